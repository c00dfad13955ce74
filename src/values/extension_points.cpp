// Out-of-line destructors of the public interfaces, so that each vtable is emitted once, in this library.
#include <holysheep/clock.hpp>
#include <holysheep/event_listener.hpp>
#include <holysheep/region_selector.hpp>
#include <holysheep/retry_policy.hpp>
#include <holysheep/transport.hpp>

namespace holysheep {
inline namespace v0 {

Clock::~Clock() = default;

TransferEvents::~TransferEvents() = default;

Transport::~Transport() = default;

RegionSelector::~RegionSelector() = default;

RetryPolicy::~RetryPolicy() = default;

EventListener::~EventListener() = default;
void EventListener::on_attempt(const AttemptRecord&) {}
void EventListener::on_call(const CallRecord&) {}
void EventListener::on_region(const RegionHealth&) {}

}  // namespace v0
}  // namespace holysheep
