// Keeps the times at which slots become free in a sorted ring.
#include "resilience/sliding_window.hpp"

#include <algorithm>
#include <utility>

namespace holysheep::resilience {

namespace {

using namespace std::chrono_literals;

constexpr SlidingWindow::duration kGuard = 50ms;
constexpr SlidingWindow::duration kGrace = 1s;

}  // namespace

SlidingWindow::SlidingWindow(std::size_t slots, duration span)
    : span_(span + std::min(kGuard, span / 20)),
      grace_(std::min(kGrace, span / 10)),
      slots_(slots),
      ring_(std::max<std::size_t>(slots, 1), time_point::min()),
      size_(slots) {}

std::optional<SlidingWindow::time_point> SlidingWindow::free_at(std::size_t ahead) const {
    const auto slots = std::max<std::size_t>(slots_, 1);
    if (ahead % slots >= size_) return std::nullopt;
    const auto rounds = static_cast<int>(std::min<std::size_t>(ahead / slots, 1'000'000));
    const auto free = at(ahead % slots);
    return rounds == 0 || free == time_point::min() ? free : free + rounds * span_;
}

std::optional<SlidingWindow::time_point> SlidingWindow::take(time_point now) {
    if (size_ == 0 || at(0) > now) return std::nullopt;
    const auto free_since = at(0);
    first_ = (first_ + 1) % ring_.size();
    --size_;
    ++taken_;
    return free_since;
}

void SlidingWindow::insert(time_point free_at) {
    if (retiring_ > 0) {
        --retiring_;
        return;
    }
    std::size_t i = size_++;
    // A blocked slot becomes free after nearly all others, a returned slot before them: search from the nearer end.
    // end.
    if (i > 0 && free_at <= at(0)) {
        first_ = (first_ + ring_.size() - 1) % ring_.size();
        at(0) = free_at;
        return;
    }
    for (; i > 0 && at(i - 1) > free_at; --i) at(i) = at(i - 1);
    at(i) = free_at;
}

void SlidingWindow::give_back(time_point free_since) {
    --taken_;
    insert(free_since);
}

SlidingWindow::time_point SlidingWindow::sent(time_point now) {
    --taken_;
    const auto mark = now + grace_ + span_;
    insert(mark);
    return mark;
}

void SlidingWindow::arrived(time_point mark, time_point when) {
    const auto free_at = when + span_;
    if (free_at >= mark) return;
    std::size_t low = 0, high = size_;
    while (low < high) {
        const auto middle = (low + high) / 2;
        if (at(middle) < mark) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == size_ || at(low) != mark) return;  // the slot is in use again
    for (; low > 0 && at(low - 1) > free_at; --low) at(low) = at(low - 1);
    at(low) = free_at;
}

void SlidingWindow::resize(std::size_t slots, time_point now) {
    if (slots > slots_) {
        const auto kept = std::min(retiring_, slots - slots_);
        retiring_ -= kept;
        const auto more = slots - slots_ - kept;
        std::vector<time_point> ring(std::max<std::size_t>(slots, ring_.size()));
        for (std::size_t i = 0; i < size_; ++i) ring[i] = at(i);
        ring_ = std::move(ring);
        first_ = 0;
        for (std::size_t i = 0; i < more; ++i) insert(now + span_);
    } else {
        // Drop free slots first: blocked slots are calls that the new limit counts, too.
        const auto fewer = slots_ - slots;
        const auto dropped = std::min(fewer, size_);
        first_ = (first_ + dropped) % ring_.size();
        size_ -= dropped;
        retiring_ += fewer - dropped;
    }
    slots_ = slots;
}

std::size_t SlidingWindow::used(time_point now) const {
    std::size_t low = 0, high = size_;
    while (low < high) {
        const auto middle = (low + high) / 2;
        if (at(middle) <= now) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return taken_ + (size_ - low);
}

}  // namespace holysheep::resilience
