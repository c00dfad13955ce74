// Homes of the vtables of the public interfaces, so that each is emitted once, in this library.
#include <holysheep/clock.hpp>
#include <holysheep/event_listener.hpp>
#include <holysheep/retry_policy.hpp>
#include <holysheep/transport.hpp>

namespace holysheep {
inline namespace v0 {

Clock::~Clock() = default;

TransferEvents::~TransferEvents() = default;

Transport::~Transport() = default;

RetryPolicy::~RetryPolicy() = default;

EventListener::~EventListener() = default;
void EventListener::on_attempt(const AttemptRecord&) {}
void EventListener::on_call(const CallRecord&) {}

}  // namespace v0
}  // namespace holysheep
