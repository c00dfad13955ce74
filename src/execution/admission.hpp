// Acquires what a request needs besides a healthy region: a slot in the region, a key, and a permit of the rate limit.
// Carries out the machine's `acquire` and `await_room`, and keeps what was granted until the attempt ends.
// CallDriver → [Admission] → Bulkhead, Keys, RateLimiter
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <holysheep/error.hpp>
#include <holysheep/options.hpp>

#include "call/room_view.hpp"
#include "execution/exchange.hpp"
#include "execution/keys.hpp"
#include "resilience/bulkhead.hpp"
#include "resilience/rate_limiter.hpp"
#include "resilience/spending.hpp"

namespace holysheep::execution {

/// Services shared by all calls of a client.
struct AdmissionServices {
    resilience::Bulkhead& bulkhead;
    Keys& keys;
    resilience::Spending& spending;
    std::shared_ptr<RateLimiter::Impl> limiter{};  ///< null: no limit
};

/// The model that an attempt requests: its id, its name, and the maximum cost of the call with it.
struct AskedModel {
    values::ModelId id = 0;
    const std::string& name;
    const std::optional<Money>& cost;
};

class Admission final : public call::RoomView {
  public:
    using time_point = Clock::time_point;
    using OnReady = std::function<void()>;
    /// `on_ready` creates the callback that is called, from any thread, when it is worth asking again; few calls need
    /// it. `exchange` outlives this object.
    Admission(const AdmissionServices& services, const Exchange& exchange, time_point since,
              std::function<OnReady()> make_on_ready);
    ~Admission();
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    enum class Answer {
        granted,
        wait,  ///< ask again at `next_poll`, or after `on_ready`
        never  ///< see `refusal`
    };

    bool has_room(std::size_t region, values::ModelId model, time_point now) const override;
    /// All regions that the call may use are full: joins the queue for these regions, or keeps its place there. Where
    /// the regions themselves refuse more load, it waits for `max_wait` at most.
    Answer wait_for_room(std::span<const std::size_t> regions, values::ModelId model, nanoseconds max_wait,
                         time_point now);
    /// Whether the region answered a request with this key within the last seconds.
    bool is_served(std::size_t region, values::ModelId model, time_point now) const override;
    /// Requests admission for an attempt, by its number. The grant belongs to that attempt alone. `begin` or `withdraw`
    /// follows.
    Answer ask(std::size_t attempt, std::size_t region, const AskedModel& model, std::optional<time_point> deadline,
               time_point now);
    /// The same for an attempt that runs beside another one: it is granted at once or not at all.
    bool ask_beside(std::size_t attempt, std::size_t region, const AskedModel& model, time_point now);
    /// Admits an attempt that races the connection of another one: the first to be ready uses the permit that both
    /// share. Returns false if the two count against different limits.
    bool share(std::size_t attempt, std::size_t region, const AskedModel& model, time_point now);
    std::optional<time_point> next_poll(time_point now) const;
    /// Why the answer was `never`.
    const Error* refusal() const { return refusal_.get(); }
    /// The call is over and all its attempts together cost `cost`; unset if the cost is unknown.
    void settle_cost(const std::optional<Money>& cost, time_point now);
    /// Leaves all queues and gives back the grant of an attempt that has not begun.
    void withdraw();

    /// Begins the attempt. Call it in the same step that granted it, so that no other decision comes between.
    void begin(std::size_t attempt, std::size_t region, values::ModelId model, time_point now);
    void sent(std::size_t attempt, time_point now);
    void arrived(std::size_t attempt, time_point now);
    /// The first content of a stream arrived, or the whole of a plain answer; counts once.
    void served(std::size_t attempt, time_point now);
    /// The region refused the attempt because of load. Returns the pause that the region needs; 0 if none.
    nanoseconds refused(std::size_t attempt, const resilience::LoadLimit::Refusal& refusal, time_point now) {
        return grants_[attempt - 1].slot.on_refusal(refusal, now);
    }
    /// The attempt is over. `delivered` false: the gateway has certainly not seen it, so no quota was used. `used`:
    /// token counts, if the answer contained them.
    void end(std::size_t attempt, bool delivered, const Usage* used, time_point now);
    /// Applies what a failure says about the key. Returns true if another key may be tried in this region at once.
    bool on_failure(std::size_t attempt, std::size_t region, values::ModelId model, ErrorCode error,
                    std::optional<milliseconds> retry_after, time_point now);
    /// Applies what the headers say about the account's quota. Returns true if a limit was adopted that was unknown
    /// before.
    bool on_quota(std::size_t attempt, std::size_t region, values::ModelId model, const RateLimits& limits,
                  time_point now);
    std::optional<std::size_t> key(std::size_t attempt) const { return grants_[attempt - 1].key; }
    /// The call has its own Authorization header: what happens to that key says nothing about the client's keys.
    bool brings_its_key() const { return caller_account_.has_value(); }

  private:
    struct Grant {
        Permit permit{};
        resilience::Bulkhead::Permit slot{};
        std::optional<std::size_t> key{};
        std::uint64_t key_version = 0;
        std::shared_ptr<RateLimiter::Impl::Partition> partition{};
        bool open = false, used = false;  // begun and not over; request sent
        bool served = false;
    };
    bool needs_key(std::size_t region) const { return !brings_its_key() && services_.keys.from_ring(region); }
    std::optional<std::size_t> choose_key(std::size_t region, values::ModelId model, time_point now) const;
    resilience::LimiterKey load_key(values::ModelId model, std::optional<std::size_t> key) const;
    resilience::Bulkhead::QueueKey order() const;
    void leave_queue() {
        waiter_.leave();
        queued_at_.reset();
        longest_wait_ = time_point::max();
    }
    std::string full_reason(const std::vector<resilience::Bulkhead::Target>& targets, time_point now) const;
    std::shared_ptr<RateLimiter::Impl::Partition> partition_of(std::size_t region, std::optional<std::size_t> key,
                                                               std::string_view name, time_point now) const;
    /// The grant that is being requested, for an attempt that has not begun.
    Grant& prepare_grant(std::size_t attempt);
    const Permit& requested_permit() const { return grants_[asked_ - 1].permit; }
    void prepare_permit(Grant& grant, std::size_t region, const AskedModel& model, time_point now);
    Answer refuse(Error error) {
        refusal_ = std::make_unique<Error>(std::move(error));
        withdraw();
        return Answer::never;
    }
    std::optional<Error> reserve_cost(const AskedModel& model, time_point now);
    /// Whether to fail instead of waiting under the rate limit.
    bool fails_fast() const { return exchange_.fail_fast.value_or(services_.limiter->options().fail_fast); }
    Error limit_error(std::string_view model, time_point now) const;

    const AdmissionServices& services_;
    const Exchange& exchange_;
    const time_point since_;
    const bool limited_;
    const std::optional<std::uint64_t> caller_account_;
    const std::function<OnReady()> make_on_ready_;
    bool waits_for_key_ = false, renewed_key_ = false, was_admitted_ = false;
    std::optional<values::ModelId> throttled_{};  // model that was refused with a 429
    resilience::Bulkhead::Waiter waiter_{};
    std::optional<time_point> queued_at_{};
    time_point longest_wait_ = time_point::max();
    std::string key_problem_{};
    std::shared_ptr<Admission*> self_;        // for callbacks that may run after this object is destroyed
    std::optional<std::int64_t> reserved_{};  // money
    std::unique_ptr<Error> refusal_{};        // allocated only on refusal, which is rare
    std::vector<Grant> grants_;               // by attempt
    std::size_t asked_ = 0;                   // the attempt that has requested admission and not begun; 0: none
};

}  // namespace holysheep::execution
