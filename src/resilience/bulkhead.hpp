// Bounds what is in flight in each region: by `concurrency.max_per_region`, so that a slow one cannot bind everything
// (the bulkhead pattern: Nygard, "Release It!"), and by what the region is known to refuse (LoadLimit). A full region
// is passed over; where all are full, calls wait in a queue.
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

/// What a gateway limits apart from everything else in a region.
struct Lane {
    values::ModelId model = 0;
    std::uint64_t account = 0;
    bool operator==(const Lane&) const = default;
};

/// On the I/O thread. Places and seats give themselves back.
class Bulkhead {
  public:
    using time_point = Clock::time_point;

    Bulkhead(std::size_t regions, const ConcurrencyOptions& options, std::uint64_t seed)
        : most_(options.max_per_region),
          most_waiting_(options.queue),
          adaptive_(options.adaptive),
          random_(seed),
          regions_(regions) {}

    /// By age and class; no two calls have the same.
    using Order = std::pair<time_point, std::uint64_t>;
    /// A class of priority is worth five seconds.
    static time_point age(time_point since, int priority) { return since + priority * std::chrono::seconds{5}; }

    struct Wish {
        std::size_t region = 0;
        Lane lane{};
        bool operator==(const Wish&) const = default;
    };

    /// One request in flight.
    class Place {
      public:
        Place() = default;
        Place(Place&& other) noexcept { *this = std::move(other); }
        Place& operator=(Place&& other) noexcept {
            leave();
            bulkhead_ = std::exchange(other.bulkhead_, nullptr);
            region_ = other.region_;
            lane_ = other.lane_;
            entered_ = other.entered_;
            others_ = other.others_;
            return *this;
        }
        ~Place() { leave(); }
        void leave() {
            if (auto* bulkhead = std::exchange(bulkhead_, nullptr)) bulkhead->on_leave(region_, lane_);
        }
        /// Its answer began.
        void served(time_point now);
        /// The region refused it for load. Returns the pause that the region needs; 0: none.
        std::chrono::nanoseconds refused(LoadLimit::Refusal refusal, time_point now);

      private:
        friend class Bulkhead;
        Bulkhead* bulkhead_ = nullptr;
        std::size_t region_ = 0;
        Lane lane_{};
        time_point entered_{};
        int others_ = 0;
    };

    /// One call in the queue.
    class Seat {
      public:
        Seat() = default;
        Seat(Seat&& other) noexcept : bulkhead_(std::exchange(other.bulkhead_, nullptr)), key_(other.key_) {}
        Seat& operator=(Seat&& other) noexcept {
            leave();
            bulkhead_ = std::exchange(other.bulkhead_, nullptr);
            key_ = other.key_;
            return *this;
        }
        ~Seat() { leave(); }
        explicit operator bool() const { return bulkhead_ != nullptr; }
        const Order& order() const { return key_; }
        void leave();
        /// There may be room that this one cannot use: whoever is next may. From now on it waits for these wishes.
        void pass_on(std::vector<Wish> wishes);
        /// Few or none are before it.
        bool near_front() const;

      private:
        friend class Bulkhead;
        Bulkhead* bulkhead_ = nullptr;
        Order key_{};
    };

    bool has_room(std::size_t region, const Lane& lane, time_point now);
    /// Whether there is room for a call of that age, and no other that waits for it comes before.
    bool has_room_for(std::size_t region, const Lane& lane, const Order& order, time_point now);
    /// Below `max_per_region`: what is lacking there, if anything, is what the region itself refuses.
    bool below_most(std::size_t region) const { return most_ <= 0 || regions_[region].in_flight < most_; }
    /// Room is lacking there because the region refuses more.
    bool refuses(const Wish& wish, time_point now) const;
    /// How many the region takes at a time; unset: no limit is known.
    std::optional<int> load_limit(std::size_t region, const Lane& lane, time_point now) const;
    /// The lowest of any model and account there.
    std::optional<int> load_limit(std::size_t region, time_point now) const;
    /// Whether an answer began there since then.
    bool serves(std::size_t region, const Lane& lane, time_point since) const;
    int in_flight(std::size_t region, const Lane& lane) const;
    Place enter(std::size_t region, const Lane& lane, time_point now);

    enum class Guest { fresh, returning };
    /// An empty seat: the queue is full, which it never is for a returning guest: what it has waited for or spent would
    /// be lost. `on_room` must not enter here; it is called when there may be room for one of the wishes.
    Seat join(std::vector<Wish> wishes, time_point since, int priority, Guest guest, std::function<void()> on_room);
    std::size_t waiting() const { return queue_.size(); }
    int max_per_region() const { return most_; }

  private:
    struct Waiter {
        std::vector<Wish> wishes;
        std::function<void()> on_room;
        bool told = false;     // of room that it has not taken yet
        bool skipped = false;  // could not use the room that there was: others may have it
    };
    struct InLane {
        Lane lane;
        int in_flight = 0;
        LoadLimit limit;
    };
    struct InRegion {
        int in_flight = 0;
        std::vector<InLane> lanes;
    };
    using Queue = std::map<Order, Waiter>;

    void on_leave(std::size_t region, const Lane& lane);
    const InLane* find(std::size_t region, const Lane& lane) const;
    InLane* find(std::size_t region, const Lane& lane);
    InLane& lane_in(std::size_t region, const Lane& lane);
    void forget(std::size_t region, const Lane& lane);
    bool has_room(const Wish& wish, time_point now) { return has_room(wish.region, wish.lane, now); }
    /// The first behind that place which waits for the region and could go there.
    void tell_next(std::size_t region, const Order& behind);

    int most_, most_waiting_;
    bool adaptive_;
    Random random_;
    std::vector<InRegion> regions_;
    Queue queue_;
    std::uint64_t next_ticket_ = 0;
    time_point now_{};  // the last that was heard of
};

}  // namespace holysheep::resilience
