// Bounds what is in flight in each region, so that a slow one cannot bind everything (the bulkhead pattern: Nygard,
// "Release It!"). A full region is passed over; where all are full, calls wait in a bounded queue.
// call::Admission → [Bulkhead]
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/options.hpp>

namespace holysheep::resilience {

/// On the I/O thread. Places and seats give themselves back.
class Bulkhead {
  public:
    using time_point = Clock::time_point;

    Bulkhead(std::size_t regions, const ConcurrencyOptions& options)
        : most_(options.max_per_region), most_waiting_(options.queue), in_flight_(regions) {}

    /// By age and class; no two calls have the same.
    using Order = std::pair<time_point, std::uint64_t>;

    /// One request in flight.
    class Place {
      public:
        Place() = default;
        Place(Bulkhead& bulkhead, std::size_t region) : bulkhead_(&bulkhead), region_(region) {}
        Place(Place&& other) noexcept : bulkhead_(std::exchange(other.bulkhead_, nullptr)), region_(other.region_) {}
        Place& operator=(Place&& other) noexcept {
            leave();
            bulkhead_ = std::exchange(other.bulkhead_, nullptr);
            region_ = other.region_;
            return *this;
        }
        ~Place() { leave(); }
        void leave() {
            if (auto* bulkhead = std::exchange(bulkhead_, nullptr)) bulkhead->on_leave(region_);
        }

      private:
        Bulkhead* bulkhead_ = nullptr;
        std::size_t region_ = 0;
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
        void leave();
        /// There is room that this one cannot use: whoever is next may.
        void pass_on();

      private:
        friend class Bulkhead;
        Bulkhead* bulkhead_ = nullptr;
        Order key_{};
    };

    bool limited() const { return most_ > 0; }
    bool has_room(std::size_t region) const { return most_ <= 0 || in_flight_[region] < most_; }
    Place enter(std::size_t region) {
        ++in_flight_[region];
        return {*this, region};
    }
    enum class Guest { fresh, returning };
    /// `since` is the call's age; a class of priority is worth five seconds. An empty seat: the queue is full, which it
    /// never is for a returning guest: what it has waited for or spent would be lost. `on_room` must not enter here; it
    /// is called when there may be room in one of the regions.
    Seat join(std::vector<std::size_t> regions, time_point since, int priority, Guest guest,
              std::function<void()> on_room);
    std::size_t waiting() const { return queue_.size(); }
    int max_per_region() const { return most_; }

  private:
    struct Waiter {
        std::vector<std::size_t> regions;
        std::function<void()> on_room;
    };
    void on_leave(std::size_t region);
    /// The first behind that place which waits for the region.
    void tell_next(std::size_t region, const Order& behind);

    int most_, most_waiting_;
    std::vector<int> in_flight_;
    std::map<Order, Waiter> queue_;
    std::uint64_t next_ticket_ = 0;
};

}  // namespace holysheep::resilience
