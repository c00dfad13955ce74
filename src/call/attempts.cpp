// Queries about the attempts of one call.
#include "call/attempts.hpp"

namespace holysheep::call {

int Attempts::in_flight() const {
    return static_cast<int>(std::ranges::count_if(items_, [](const Attempt& a) { return a.in_flight(); }));
}

bool Attempts::only_late_ones_in_flight() const {
    return std::ranges::all_of(items_, [](const Attempt& a) { return !a.in_flight() || a.raced; });
}

bool Attempts::asked(std::size_t region) const {
    return std::ranges::any_of(items_, [&](const Attempt& a) { return a.region == region && !a.lost; });
}

bool Attempts::tried(std::size_t region, std::size_t model) const {
    return std::ranges::any_of(
        items_, [&](const Attempt& a) { return a.region == region && a.model == model && !a.turned_away(); });
}

bool Attempts::redirected(std::size_t region) const {
    return std::ranges::any_of(
        items_, [&](const Attempt& a) { return a.region == region && a.failed() && is_redirect(a.outcome); });
}

bool Attempts::every_one_redirected() const {
    return std::ranges::all_of(items_,
                               [](const Attempt& a) { return a.lost || (a.failed() && is_redirect(a.outcome)); });
}

const Attempt* Attempts::last_failure(std::size_t region, std::size_t model) const {
    const auto last = std::find_if(items_.rbegin(), items_.rend(), [&](const Attempt& a) {
        return a.region == region && a.model == model && a.failed();
    });
    return last == items_.rend() ? nullptr : &*last;
}

bool Attempts::all_failed_with(ErrorCode error) const {
    return std::ranges::all_of(items_,
                               [&](const Attempt& a) { return a.lost || (a.failed() && a.outcome.error == error); });
}

bool Attempts::server_error_elsewhere(const Attempt& failed) const {
    return failed.outcome.status == 500 && std::ranges::any_of(items_, [&](const Attempt& a) {
               return a.region != failed.region && a.model == failed.model && !a.in_flight() && a.outcome.status == 500;
           });
}

bool Attempts::refused_by_proxy_before(const Attempt& failed) const {
    return std::ranges::count_if(
               items_, [&](const Attempt& a) { return a.failed() && a.outcome.error == failed.outcome.error; }) > 1;
}

}  // namespace holysheep::call
