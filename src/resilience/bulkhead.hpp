// Limits the requests in flight per region: to `concurrency.max_per_region`, so that one slow region cannot occupy all
// calls (the bulkhead pattern: Nygard, "Release It!"), and to the load that the region is known to accept (LoadLimit).
// Calls skip a full region; if all regions are full, they wait in a queue.
// call::Admission → [Bulkhead]
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/options.hpp>

#include "resilience/load_limit.hpp"
#include "resilience/random.hpp"
#include "values/model_id.hpp"

namespace holysheep::resilience {

/// A gateway limits each model and account of a region separately.
struct LimiterKey {
    values::ModelId model = 0;
    std::uint64_t account = 0;
    bool operator==(const LimiterKey&) const = default;
};

/// I/O thread only. Permits and waiters release themselves when destroyed.
class Bulkhead {
  public:
    using time_point = Clock::time_point;

    Bulkhead(std::size_t regions, const ConcurrencyOptions& options, std::uint64_t seed)
        : max_per_region_(options.max_per_region),
          max_queue_(options.queue),
          adaptive_(options.adaptive),
          random_(seed),
          regions_(regions) {}

    /// Position in the queue: arrival time, adjusted for priority, and a number that makes it unique.
    using QueueKey = std::pair<time_point, std::uint64_t>;
    /// One priority class equals five seconds of waiting.
    static time_point age(time_point since, int priority) { return since + priority * std::chrono::seconds{5}; }

    /// A region that a call may use, with the limit that applies to the call there.
    struct Target {
        std::size_t region = 0;
        LimiterKey key{};
        bool operator==(const Target&) const = default;
    };

    /// Permission for one request in flight.
    class Permit {
      public:
        Permit() = default;
        Permit(Permit&& other) noexcept { *this = std::move(other); }
        Permit& operator=(Permit&& other) noexcept {
            release();
            bulkhead_ = std::exchange(other.bulkhead_, nullptr);
            region_ = other.region_;
            key_ = other.key_;
            acquired_at_ = other.acquired_at_;
            others_ = other.others_;
            return *this;
        }
        ~Permit() { release(); }
        void release() {
            if (auto* bulkhead = std::exchange(bulkhead_, nullptr)) bulkhead->on_release(region_, key_);
        }
        /// The answer began.
        void on_success(time_point now);
        /// The region refused the request because of load. Returns how long to pause the region; 0: not at all.
        std::chrono::nanoseconds on_refusal(LoadLimit::Refusal refusal, time_point now);

      private:
        friend class Bulkhead;
        Bulkhead* bulkhead_ = nullptr;
        std::size_t region_ = 0;
        LimiterKey key_{};
        time_point acquired_at_{};
        int others_ = 0;  // requests in flight under the same key when it was acquired
    };

    /// A call's position in the queue.
    class Waiter {
      public:
        Waiter() = default;
        Waiter(Waiter&& other) noexcept : bulkhead_(std::exchange(other.bulkhead_, nullptr)), key_(other.key_) {}
        Waiter& operator=(Waiter&& other) noexcept {
            leave();
            bulkhead_ = std::exchange(other.bulkhead_, nullptr);
            key_ = other.key_;
            return *this;
        }
        ~Waiter() { leave(); }
        explicit operator bool() const { return bulkhead_ != nullptr; }
        const QueueKey& queue_key() const { return key_; }
        void leave();
        /// The call cannot use the room it was notified of: notify the next one. From now on it waits for `targets`.
        void skip(std::vector<Target> targets);
        /// Whether at most three calls with a common target are ahead.
        bool near_front() const;

      private:
        friend class Bulkhead;
        Bulkhead* bulkhead_ = nullptr;
        QueueKey key_{};
    };

    bool has_room(std::size_t region, const LimiterKey& key, time_point now);
    /// Whether there is room, and no call ahead of `position` waits for it.
    bool has_room_for(std::size_t region, const LimiterKey& key, const QueueKey& position, time_point now);
    /// Whether the region is below `max_per_region`. If there is still no room, the load limit is the reason.
    bool below_cap(std::size_t region) const {
        return max_per_region_ <= 0 || regions_[region].in_flight < max_per_region_;
    }
    /// Whether the learned load limit leaves no room, as opposed to `max_per_region`.
    bool at_load_limit(const Target& target, time_point now) const;
    /// Requests that the region accepts at a time; unset if no limit is known.
    std::optional<int> load_limit(std::size_t region, const LimiterKey& key, time_point now) const;
    /// The lowest limit of any model and account in the region.
    std::optional<int> load_limit(std::size_t region, time_point now) const;
    /// Whether an answer began in the region after `since`.
    bool serves(std::size_t region, const LimiterKey& key, time_point since) const;
    int in_flight(std::size_t region, const LimiterKey& key) const;
    Permit acquire(std::size_t region, const LimiterKey& key, time_point now);

    /// `exempt`: for a call that has already waited or spent money, which a full queue would waste.
    enum class QueueCap { enforced, exempt };
    /// Returns an empty waiter if the queue is full and the cap is enforced. `on_room` is called when there may be room
    /// for one of the targets; it must not acquire a permit itself.
    Waiter join(std::vector<Target> targets, time_point since, int priority, QueueCap cap,
                std::function<void()> on_room);
    std::size_t waiting() const { return queue_.size(); }
    int max_per_region() const { return max_per_region_; }

  private:
    struct QueueEntry {
        std::vector<Target> targets;
        std::function<void()> on_room;
        bool notified = false;  // notified of room that it has not used yet
        bool skipped = false;   // could not use that room, so later entries may
    };
    struct KeyState {
        LimiterKey key;
        int in_flight = 0;
        LoadLimit limit;
    };
    struct RegionState {
        int in_flight = 0;
        std::vector<KeyState> keys;
    };
    using Queue = std::map<QueueKey, QueueEntry>;

    void on_release(std::size_t region, const LimiterKey& key);
    const KeyState* find(std::size_t region, const LimiterKey& key) const;
    KeyState* find(std::size_t region, const LimiterKey& key);
    KeyState& state_of(std::size_t region, const LimiterKey& key);
    /// Drops the state of an idle key, if the region has many keys.
    void forget(std::size_t region, const LimiterKey& key);
    bool has_room(const Target& target, time_point now) { return has_room(target.region, target.key, now); }
    /// Notifies the first entry after that position which waits for the region and has room there.
    void notify_next(std::size_t region, const QueueKey& behind);

    int max_per_region_, max_queue_;
    bool adaptive_;
    Random random_;
    std::vector<RegionState> regions_;
    Queue queue_;
    std::uint64_t next_number_ = 0;
    time_point now_{};  // time of the last call that had a time argument
};

}  // namespace holysheep::resilience
