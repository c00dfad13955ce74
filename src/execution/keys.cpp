// Maps key numbers to their text, and calls the user's callback for a key.
#include "execution/keys.hpp"

#include <utility>

namespace holysheep::execution {

namespace {

const std::string kNone;

}  // namespace

std::uint64_t account_of(std::string_view key) {
    constexpr std::string_view kScheme = "Bearer ";
    if (key.starts_with(kScheme)) key.remove_prefix(kScheme.size());
    return std::hash<std::string_view>{}(key) | 1U;
}

Keys::Keys(std::vector<std::string> keys, std::vector<std::uint64_t> region_accounts, Fetch fetch)
    : texts_(std::move(keys)),
      region_accounts_(std::move(region_accounts)),
      ring_(fetch ? 1 : texts_.size()),
      fetch_(std::move(fetch)),
      known_(!fetch_) {
    if (fetch_) texts_.assign(1, {});
    for (const auto& text : texts_) accounts_.push_back(account_of(text));
    if (fetch_) accounts_.assign(1, kFetchedAccount);
}

const std::string& Keys::text(std::size_t region, std::optional<std::size_t> key) const {
    return key && from_ring(region) ? texts_[*key] : kNone;
}

const std::string& Keys::usual(std::size_t region, time_point now) const {
    if (!from_ring(region)) return kNone;
    return texts_[ring_.pick(region, 0, now).value_or(ring_.least_bad())];
}

std::uint64_t Keys::account(std::size_t region, std::optional<std::size_t> key) const {
    return key && from_ring(region) ? accounts_[*key] : region_accounts_[region];
}

bool Keys::must_wait(std::function<void(const std::string& problem)> on_ready) {
    if (known_) return false;
    waiting_.push_back(std::move(on_ready));
    if (!std::exchange(asking_, true)) fetch_();
    return true;
}

void Keys::on_key(std::string key, const std::string& problem) {
    asking_ = false;
    known_ = problem.empty();
    ++version_;
    if (known_) {
        texts_[0] = std::move(key);
        ring_.accept(0);
    }
    for (const auto& on_ready : std::exchange(waiting_, {})) on_ready(problem);
}

bool Keys::renew(std::uint64_t version) {
    if (!fetch_) return false;
    if (version == version_ && known_) known_ = false;
    return true;
}

}  // namespace holysheep::execution
