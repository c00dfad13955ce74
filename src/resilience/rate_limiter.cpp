// Guards all partitions with one mutex, which is held for a few instructions; callbacks run after it is released.
#include "resilience/rate_limiter.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <holysheep/error.hpp>

#include "resilience/rate_limit_check.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

using namespace std::chrono_literals;

constexpr auto kClassAge = 5s;
constexpr std::int64_t kUnknownAnswer = 1'000;
constexpr std::size_t kFewAnswers = 5;
constexpr std::size_t kMaxPartitions = 1'000;  // including the shared one
constexpr std::size_t kMaxNameLength = 256;    // of a model; longer names with a common prefix share a partition
constexpr auto kSweepEvery = 100ms;
// With rotating keys the list would grow for years; the oldest are no longer in use.
constexpr std::size_t kMaxAliases = 10'000;

void check(const RateLimitOptions& options) {
    const auto problems = resilience::problems_of(options);
    if (problems.empty()) return;
    Error error{.code = ErrorCode::invalid_options, .message = "invalid options"};
    auto separator = ": ";
    for (const auto& [option, problem] : problems) {
        error.message += std::exchange(separator, "; ") + option + ": " + problem;
    }
    throw Exception(std::move(error));
}

}  // namespace

// ---- the limiter ----

RateLimiter::RateLimiter(RateLimitOptions options) {
    check(options);
    impl_ = std::make_shared<Impl>(options);
}
RateLimiter::~RateLimiter() = default;
const RateLimitOptions& RateLimiter::options() const { return impl_->options(); }
std::vector<RateLimitLevel> RateLimiter::levels(std::chrono::steady_clock::time_point now) const {
    return impl_->levels(now);
}

std::shared_ptr<RateLimiter::Impl::Partition> RateLimiter::Impl::partition(std::uint64_t account,
                                                                           std::string_view model, time_point now) {
    std::lock_guard lock(mutex_);
    const std::string name(model.substr(0, kMaxNameLength));
    const auto key = std::to_string(canonical_account(account)) + '/' + name;
    if (const auto known = partitions_.find(key); known != partitions_.end()) {
        known->second->used_ = ++uses_;
        return known->second;
    }
    if (partitions_.size() + 1 >= kMaxPartitions) forget_idle_partitions(now);
    // A pair that used the shared partition has used part of its limit there, so it stays there until that has expired.
    if (partitions_.size() + 1 >= kMaxPartitions || (shared_partition_ && !evictable(shared_partition_, now))) {
        if (!shared_partition_) shared_partition_ = std::make_shared<Partition>(options_, "(others)");
        return shared_partition_;
    }
    shared_partition_.reset();
    auto& partition = partitions_[key];
    partition = std::make_shared<Partition>(options_, name);
    partition->used_ = ++uses_;
    return partition;
}

/// Evicts the older half of the idle partitions, so that this runs rarely.
void RateLimiter::Impl::forget_idle_partitions(time_point now) {
    if (now < next_sweep_) return;
    std::vector<std::uint64_t> ages;
    for (const auto& [key, partition] : partitions_) {
        if (evictable(partition, now)) ages.push_back(partition->used_);
    }
    if (ages.empty()) {
        next_sweep_ = now + kSweepEvery;
        return;
    }
    const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 2);
    std::ranges::nth_element(ages, middle);
    std::erase_if(partitions_,
                  [&](const auto& entry) { return entry.second->used_ <= *middle && evictable(entry.second, now); });
}

std::uint64_t RateLimiter::Impl::canonical_account(std::uint64_t account) const {
    const auto alias = aliases_.find(account);
    return alias == aliases_.end() ? account : alias->second.account;
}

bool RateLimiter::Impl::has_partitions(std::uint64_t account) const {
    const auto prefix = std::to_string(account) + '/';
    return std::ranges::any_of(partitions_, [&](const auto& partition) { return partition.first.starts_with(prefix); });
}

void RateLimiter::Impl::merge_accounts(std::uint64_t account, std::uint64_t other) {
    std::lock_guard lock(mutex_);
    for (const auto number : {account, other}) {
        if (const auto alias = aliases_.find(number); alias != aliases_.end()) alias->second.used = ++uses_;
    }
    account = canonical_account(account);
    other = canonical_account(other);
    if (account == other) return;
    // Keep the account that has partitions: their usage must stay counted.
    if (!has_partitions(account)) std::swap(account, other);
    for (auto& [number, alias] : aliases_) {
        if (alias.account == other) alias.account = account;
    }
    if (aliases_.size() >= kMaxAliases) forget_oldest_alias();
    aliases_[other] = {.account = account, .used = ++uses_};
}

void RateLimiter::Impl::forget_oldest_alias() {
    aliases_.erase(std::ranges::min_element(aliases_, {}, [](const auto& entry) { return entry.second.used; }));
}

bool RateLimiter::Impl::adopt(Partition& partition, std::optional<std::int64_t> requests,
                              std::optional<std::int64_t> tokens, time_point now) {
    std::function<void()> next;
    std::unique_lock lock(mutex_);
    bool changed = false;
    if (requests && *requests > 0 && options_.requests > 0) {
        const auto slots = static_cast<std::size_t>(std::min(*requests, options_.requests));
        if (partition.calls_ && partition.calls_->slots() != slots) {
            partition.calls_->resize(slots, now);
            changed = true;
        }
        if (partition.pacer_) {
            const auto interval =
                std::chrono::duration_cast<Clock::time_point::duration>(options_.per) / static_cast<int>(slots);
            changed = changed || partition.pacer_->interval() != interval;
            partition.pacer_->set_interval(interval);
        }
    }
    if (tokens && *tokens > 0 && partition.tokens_) {
        const auto limit = std::min(*tokens, options_.tokens_per_minute);
        changed = changed || partition.tokens_->limit() != limit;
        partition.tokens_->set_limit(limit);
    }
    if (changed) next = partition.next_ready(now);
    lock.unlock();
    if (next) next();
    return changed;
}

std::int64_t RateLimiter::Impl::answer_tokens(const Partition& partition) const {
    std::lock_guard lock(mutex_);
    if (partition.answered_ < kFewAnswers) return kUnknownAnswer;
    // The second largest of twenty is the 95th percentile.
    auto answers = partition.answers_;
    const auto known = static_cast<std::ptrdiff_t>(std::min(partition.answered_, answers.size()));
    std::nth_element(answers.begin(), answers.begin() + 1, answers.begin() + known, std::greater<>());
    return answers[1];
}

std::vector<RateLimitLevel> RateLimiter::Impl::levels(time_point now) const {
    std::lock_guard lock(mutex_);
    std::vector<RateLimitLevel> levels;
    const auto add = [&](const Partition& partition) {
        RateLimitLevel level{.model = partition.model_, .waiting = partition.queue_.size()};
        if (partition.calls_) {
            level.requests_used = static_cast<std::int64_t>(partition.calls_->used(now));
            level.requests_limit = static_cast<std::int64_t>(partition.calls_->slots());
        }
        if (partition.tokens_) {
            level.tokens_used = partition.tokens_->sum(now);
            level.tokens_limit = partition.tokens_->limit();
        }
        if (const auto due = partition.due(0, 0, now)) {
            level.next_in = std::chrono::ceil<milliseconds>(std::max(*due, now) - now);
        }
        levels.push_back(std::move(level));
    };
    for (const auto& [key, partition] : partitions_) add(*partition);
    if (shared_partition_) add(*shared_partition_);
    return levels;
}

// ---- a partition ----

RateLimiter::Impl::Partition::Partition(const RateLimitOptions& options, std::string model) : model_(std::move(model)) {
    if (options.requests > 0 && options.smooth) {
        const auto per = std::chrono::duration_cast<Clock::time_point::duration>(options.per);
        pacer_.emplace(per / options.requests, options.burst);
    }
    if (options.requests > 0) {
        calls_.emplace(static_cast<std::size_t>(options.requests), options.per);
    }
    if (options.tokens_per_minute > 0) tokens_.emplace(options.tokens_per_minute, 60s);
}

bool RateLimiter::Impl::evictable(const std::shared_ptr<Partition>& partition, time_point now) {
    return partition.use_count() == 1 && partition->idle(now);
}

bool RateLimiter::Impl::Partition::idle(time_point now) const {
    if (!queue_.empty() || (calls_ && calls_->used(now) > 0) || (tokens_ && tokens_->sum(now) > 0)) return false;
    return !pacer_ || pacer_->rested(now);
}

bool RateLimiter::Impl::Partition::open(std::int64_t tokens, time_point now) const {
    if (calls_) {
        const auto free = calls_->free_at();
        if (!free || *free > now) return false;
    }
    if (pacer_ && pacer_->free_at() > now) return false;
    return !tokens_ || tokens_->fits(tokens, now);
}

std::optional<Clock::time_point> RateLimiter::Impl::Partition::due(std::int64_t tokens, std::size_t ahead,
                                                                   time_point now) const {
    auto due = now;
    if (calls_) {
        const auto free = calls_->free_at(ahead);
        if (!free) return std::nullopt;
        due = std::max(due, *free);
    }
    if (pacer_) {
        const auto calls_before = static_cast<std::int64_t>(ahead);
        due = std::max(due, pacer_->free_at()) + pacer_->interval() * calls_before;
    }
    if (tokens_) {
        const auto fits = tokens_->fits_at(tokens, now);
        if (!fits) return std::nullopt;
        due = std::max(due, *fits);
    }
    return due;
}

std::function<void()> RateLimiter::Impl::Partition::next_ready(time_point now) {
    if (queue_.empty()) return {};
    auto& first = queue_.begin()->second;
    // The server's limit fell below the size of this call. Notify the call, so that it fails and unblocks the queue.
    if (tokens_ && first.tokens > tokens_->limit()) return first.on_ready;
    const auto when = due(first.tokens, 0, now);
    if (!when || *when >= first.next_check) return {};
    first.next_check = *when;
    return first.on_ready;
}

// ---- a permit ----

Permit::Permit(std::shared_ptr<Impl> limiter, std::shared_ptr<Impl::Partition> of, Request request, time_point now)
    : limiter_(std::move(limiter)), partition_(std::move(of)), tokens_(request.tokens) {
    auto& partition = *partition_;
    std::lock_guard lock(limiter_->mutex_);
    queue_key_ = {request.since + request.priority * kClassAge, ++limiter_->next_number_};
    state_ = State::waiting;
    const bool first = partition.queue_.empty() || queue_key_ < partition.queue_.begin()->first;
    if (first && try_grant(now)) return;
    if (first && !partition.queue_.empty()) partition.queue_.begin()->second.next_check = time_point::max();
    auto& waiter = partition.queue_[queue_key_];
    waiter = {.tokens = tokens_, .on_ready = std::move(request.on_ready)};
    next_poll_.reset();
    if (first) {
        next_poll_ = partition.due(tokens_, 0, now);
        waiter.next_check = next_poll_.value_or(time_point::max());
    }
}

bool Permit::try_grant(time_point now) {
    auto& partition = *partition_;
    if (!partition.open(tokens_, now)) return false;
    if (partition.calls_) slot_ = *partition.calls_->take(now);
    if (partition.pacer_) partition.pacer_->take(now);
    if (partition.tokens_) partition.tokens_->hold(tokens_);
    state_ = State::granted;
    return true;
}

bool Permit::poll(time_point now) {
    if (state_ != State::waiting) return state_ == State::granted;
    std::function<void()> next;
    {
        std::lock_guard lock(limiter_->mutex_);
        auto& queue = partition_->queue_;
        next_poll_.reset();
        if (queue.begin()->first != queue_key_) return false;
        if (!try_grant(now)) {
            next_poll_ = partition_->due(tokens_, 0, now);
            queue.begin()->second.next_check = next_poll_.value_or(time_point::max());
            return false;
        }
        queue.erase(queue_key_);
        next = partition_->next_ready(now);
    }
    if (next) next();
    return true;
}

bool Permit::exceeds_limit() const {
    if (state_ != State::waiting) return false;
    std::lock_guard lock(limiter_->mutex_);
    return partition_->tokens_ && tokens_ > partition_->tokens_->limit();
}

std::size_t Permit::ahead() const {
    if (state_ != State::waiting) return 0;
    std::lock_guard lock(limiter_->mutex_);
    const auto& queue = partition_->queue_;
    const auto self = queue.find(queue_key_);
    // Usually the call is the last in the queue.
    if (std::next(self) == queue.end()) return queue.size() - 1;
    return static_cast<std::size_t>(std::distance(queue.begin(), self));
}

std::optional<Permit::time_point> Permit::expected(time_point now) const {
    if (state_ != State::waiting) return now;
    const auto others = ahead();
    std::lock_guard lock(limiter_->mutex_);
    return partition_->due(tokens_, others, now);
}

void Permit::sent(time_point now) {
    if (state_ != State::granted) return;
    std::function<void()> next;
    {
        std::lock_guard lock(limiter_->mutex_);
        if (partition_->calls_) slot_ = partition_->calls_->sent(now);
        if (partition_->tokens_) partition_->tokens_->book(tokens_, now);
        state_ = State::sent;
        sent_ = now;
        next = partition_->next_ready(now);
    }
    if (next) next();
}

void Permit::arrived(time_point now) {
    if (state_ != State::sent || has_arrived_ || !partition_->calls_) return;
    has_arrived_ = true;
    std::function<void()> next;
    {
        std::lock_guard lock(limiter_->mutex_);
        partition_->calls_->arrived(slot_, now);
        next = partition_->next_ready(std::max(now, sent_));
    }
    if (next) next();
}

void Permit::recall(time_point now) {
    if (state_ != State::sent) return;
    if (!has_arrived_) arrived(time_point{});
    if (partition_->pacer_) {
        std::lock_guard lock(limiter_->mutex_);
        partition_->pacer_->give_back();
    }
    settle(0, std::nullopt, now);
}

void Permit::settle(std::optional<std::int64_t> prompt_and_answer, std::optional<std::int64_t> answer, time_point now) {
    if (state_ != State::sent) return;
    std::function<void()> next;
    {
        std::lock_guard lock(limiter_->mutex_);
        if (answer) partition_->answers_[partition_->answered_++ % partition_->answers_.size()] = *answer;
        if (partition_->tokens_ && prompt_and_answer) {
            partition_->tokens_->settle(tokens_, *prompt_and_answer, sent_, now);
            next = partition_->next_ready(now);
        }
        state_ = State::none;
    }
    if (next) next();
    partition_.reset();
    limiter_.reset();
}

void Permit::drop() {
    if (state_ == State::waiting || state_ == State::granted) {
        std::function<void()> next;
        {
            std::lock_guard lock(limiter_->mutex_);
            auto& partition = *partition_;
            if (state_ == State::waiting) {
                partition.queue_.erase(queue_key_);
            } else {
                if (partition.calls_) partition.calls_->give_back(slot_);
                if (partition.pacer_) partition.pacer_->give_back();
                if (partition.tokens_) partition.tokens_->release(tokens_);
            }
            // There is no clock here, so the first waiter polls.
            if (!partition.queue_.empty()) next = partition.queue_.begin()->second.on_ready;
        }
        if (next) next();
    }
    state_ = State::none;
    partition_.reset();
    limiter_.reset();
}

void Permit::swap(Permit& other) noexcept {
    std::swap(limiter_, other.limiter_);
    std::swap(partition_, other.partition_);
    std::swap(state_, other.state_);
    std::swap(tokens_, other.tokens_);
    std::swap(queue_key_, other.queue_key_);
    std::swap(next_poll_, other.next_poll_);
    std::swap(slot_, other.slot_);
    std::swap(sent_, other.sent_);
    std::swap(has_arrived_, other.has_arrived_);
}

}  // namespace v0
}  // namespace holysheep
