// One lock for all lanes, held for a few instructions; callbacks run without it.
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
constexpr std::size_t kMostLanes = 1'000;  // with the shared one
constexpr std::size_t kLongestName = 256;  // of a model; beyond it names that begin alike are one
constexpr auto kSweepEvery = 100ms;
// Keys that take turns for years: the oldest are no longer in use.
constexpr std::size_t kMostAliases = 10'000;

void check(const RateLimitOptions& options) {
    const auto problems = resilience::problems_of(options);
    if (problems.empty()) return;
    Error error{.code = ErrorCode::invalid_options, .message = "options that cannot work"};
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

std::shared_ptr<RateLimiter::Impl::Lane> RateLimiter::Impl::lane(std::uint64_t account, std::string_view model,
                                                                 time_point now) {
    std::lock_guard lock(mutex_);
    const std::string name(model.substr(0, kLongestName));
    const auto key = std::to_string(known_as(account)) + '/' + name;
    if (const auto known = lanes_.find(key); known != lanes_.end()) {
        known->second->used_ = ++uses_;
        return known->second;
    }
    if (lanes_.size() + 1 >= kMostLanes) forget_idle_lanes(now);
    // A newcomer that went through the shared lane has used some of its limit there: it stays until that is forgotten.
    if (lanes_.size() + 1 >= kMostLanes || (shared_lane_ && !can_go(shared_lane_, now))) {
        if (!shared_lane_) shared_lane_ = std::make_shared<Lane>(options_, "(others)");
        return shared_lane_;
    }
    shared_lane_.reset();
    auto& lane = lanes_[key];
    lane = std::make_shared<Lane>(options_, name);
    lane->used_ = ++uses_;
    return lane;
}

/// The older half of them, so that this is rare.
void RateLimiter::Impl::forget_idle_lanes(time_point now) {
    if (now < next_sweep_) return;
    std::vector<std::uint64_t> ages;
    for (const auto& [key, lane] : lanes_) {
        if (can_go(lane, now)) ages.push_back(lane->used_);
    }
    if (ages.empty()) {
        next_sweep_ = now + kSweepEvery;
        return;
    }
    const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 2);
    std::ranges::nth_element(ages, middle);
    std::erase_if(lanes_,
                  [&](const auto& entry) { return entry.second->used_ <= *middle && can_go(entry.second, now); });
}

std::uint64_t RateLimiter::Impl::known_as(std::uint64_t account) const {
    const auto alias = aliases_.find(account);
    return alias == aliases_.end() ? account : alias->second.account;
}

bool RateLimiter::Impl::has_lanes(std::uint64_t account) const {
    const auto prefix = std::to_string(account) + '/';
    return std::ranges::any_of(lanes_, [&](const auto& lane) { return lane.first.starts_with(prefix); });
}

void RateLimiter::Impl::count_together(std::uint64_t account, std::uint64_t other) {
    std::lock_guard lock(mutex_);
    for (const auto number : {account, other}) {
        if (const auto alias = aliases_.find(number); alias != aliases_.end()) alias->second.used = ++uses_;
    }
    account = known_as(account);
    other = known_as(other);
    if (account == other) return;
    // What has been used must stay counted.
    if (!has_lanes(account)) std::swap(account, other);
    for (auto& [number, alias] : aliases_) {
        if (alias.account == other) alias.account = account;
    }
    if (aliases_.size() >= kMostAliases) forget_oldest_alias();
    aliases_[other] = {.account = account, .used = ++uses_};
}

void RateLimiter::Impl::forget_oldest_alias() {
    aliases_.erase(std::ranges::min_element(aliases_, {}, [](const auto& entry) { return entry.second.used; }));
}

bool RateLimiter::Impl::adopt(Lane& lane, std::optional<std::int64_t> requests, std::optional<std::int64_t> tokens,
                              time_point now) {
    std::function<void()> next;
    std::unique_lock lock(mutex_);
    bool news = false;
    if (requests && *requests > 0 && options_.requests > 0) {
        const auto slots = static_cast<std::size_t>(std::min(*requests, options_.requests));
        if (lane.calls_ && lane.calls_->slots() != slots) {
            lane.calls_->resize(slots, now);
            news = true;
        }
        if (lane.pacer_) {
            const auto interval =
                std::chrono::duration_cast<Clock::time_point::duration>(options_.per) / static_cast<int>(slots);
            news = news || lane.pacer_->interval() != interval;
            lane.pacer_->set_interval(interval);
        }
    }
    if (tokens && *tokens > 0 && lane.tokens_) {
        const auto limit = std::min(*tokens, options_.tokens_per_minute);
        news = news || lane.tokens_->limit() != limit;
        lane.tokens_->set_limit(limit);
    }
    if (news) next = lane.whose_turn(now);
    lock.unlock();
    if (next) next();
    return news;
}

std::int64_t RateLimiter::Impl::answer_tokens(const Lane& lane) const {
    std::lock_guard lock(mutex_);
    if (lane.answered_ < kFewAnswers) return kUnknownAnswer;
    // Of twenty, the second largest is the 95th percentile.
    auto answers = lane.answers_;
    const auto known = static_cast<std::ptrdiff_t>(std::min(lane.answered_, answers.size()));
    std::nth_element(answers.begin(), answers.begin() + 1, answers.begin() + known, std::greater<>());
    return answers[1];
}

std::vector<RateLimitLevel> RateLimiter::Impl::levels(time_point now) const {
    std::lock_guard lock(mutex_);
    std::vector<RateLimitLevel> levels;
    const auto add = [&](const Lane& lane) {
        RateLimitLevel level{.model = lane.model_, .waiting = lane.queue_.size()};
        if (lane.calls_) {
            level.requests_used = static_cast<std::int64_t>(lane.calls_->used(now));
            level.requests_limit = static_cast<std::int64_t>(lane.calls_->slots());
        }
        if (lane.tokens_) {
            level.tokens_used = lane.tokens_->sum(now);
            level.tokens_limit = lane.tokens_->limit();
        }
        if (const auto due = lane.due(0, 0, now)) {
            level.next_in = std::chrono::ceil<milliseconds>(std::max(*due, now) - now);
        }
        levels.push_back(std::move(level));
    };
    for (const auto& [key, lane] : lanes_) add(*lane);
    if (shared_lane_) add(*shared_lane_);
    return levels;
}

// ---- a lane ----

RateLimiter::Impl::Lane::Lane(const RateLimitOptions& options, std::string model) : model_(std::move(model)) {
    if (options.requests > 0 && options.smooth) {
        const auto per = std::chrono::duration_cast<Clock::time_point::duration>(options.per);
        pacer_.emplace(per / options.requests, options.burst);
    }
    if (options.requests > 0) {
        calls_.emplace(static_cast<std::size_t>(options.requests), options.per);
    }
    if (options.tokens_per_minute > 0) tokens_.emplace(options.tokens_per_minute, 60s);
}

bool RateLimiter::Impl::can_go(const std::shared_ptr<Lane>& lane, time_point now) {
    return lane.use_count() == 1 && lane->idle(now);
}

bool RateLimiter::Impl::Lane::idle(time_point now) const {
    if (!queue_.empty() || (calls_ && calls_->used(now) > 0) || (tokens_ && tokens_->sum(now) > 0)) return false;
    return !pacer_ || pacer_->rested(now);
}

bool RateLimiter::Impl::Lane::open(std::int64_t tokens, time_point now) const {
    if (calls_) {
        const auto free = calls_->free_at();
        if (!free || *free > now) return false;
    }
    if (pacer_ && pacer_->free_at() > now) return false;
    return !tokens_ || tokens_->fits(tokens, now);
}

std::optional<Clock::time_point> RateLimiter::Impl::Lane::due(std::int64_t tokens, std::size_t ahead,
                                                              time_point now) const {
    auto due = now;
    if (calls_) {
        const auto free = calls_->free_at(ahead);
        if (!free) return std::nullopt;
        due = std::max(due, *free);
    }
    if (pacer_) {
        const auto turns = static_cast<std::int64_t>(ahead);
        due = std::max(due, pacer_->free_at()) + pacer_->interval() * turns;
    }
    if (tokens_) {
        const auto fits = tokens_->fits_at(tokens, now);
        if (!fits) return std::nullopt;
        due = std::max(due, *fits);
    }
    return due;
}

std::function<void()> RateLimiter::Impl::Lane::whose_turn(time_point now) {
    if (queue_.empty()) return {};
    auto& first = queue_.begin()->second;
    // The server's limit has become lower than this call is large: it must hear that, or nobody behind it gets on.
    if (tokens_ && first.tokens > tokens_->limit()) return first.on_turn;
    const auto when = due(first.tokens, 0, now);
    if (!when || *when >= first.told) return {};
    first.told = *when;
    return first.on_turn;
}

// ---- a permit ----

Permit::Permit(std::shared_ptr<Impl> limiter, std::shared_ptr<Impl::Lane> of, Request request, time_point now)
    : limiter_(std::move(limiter)), lane_(std::move(of)), tokens_(request.tokens) {
    auto& lane = *lane_;
    std::lock_guard lock(limiter_->mutex_);
    place_ = {request.since + request.priority * kClassAge, ++limiter_->next_ticket_};
    state_ = State::waiting;
    const bool first = lane.queue_.empty() || place_ < lane.queue_.begin()->first;
    if (first && try_grant(now)) return;
    if (first && !lane.queue_.empty()) lane.queue_.begin()->second.told = time_point::max();
    auto& waiter = lane.queue_[place_];
    waiter = {.tokens = tokens_, .on_turn = std::move(request.on_turn)};
    look_at_.reset();
    if (first) {
        look_at_ = lane.due(tokens_, 0, now);
        waiter.told = look_at_.value_or(time_point::max());
    }
}

bool Permit::try_grant(time_point now) {
    auto& lane = *lane_;
    if (!lane.open(tokens_, now)) return false;
    if (lane.calls_) slot_ = *lane.calls_->take(now);
    if (lane.pacer_) lane.pacer_->take(now);
    if (lane.tokens_) lane.tokens_->hold(tokens_);
    state_ = State::granted;
    return true;
}

bool Permit::look(time_point now) {
    if (state_ != State::waiting) return state_ == State::granted;
    std::function<void()> next;
    {
        std::lock_guard lock(limiter_->mutex_);
        auto& queue = lane_->queue_;
        look_at_.reset();
        if (queue.begin()->first != place_) return false;
        if (!try_grant(now)) {
            look_at_ = lane_->due(tokens_, 0, now);
            queue.begin()->second.told = look_at_.value_or(time_point::max());
            return false;
        }
        queue.erase(place_);
        next = lane_->whose_turn(now);
    }
    if (next) next();
    return true;
}

bool Permit::hopeless() const {
    if (state_ != State::waiting) return false;
    std::lock_guard lock(limiter_->mutex_);
    return lane_->tokens_ && tokens_ > lane_->tokens_->limit();
}

std::size_t Permit::ahead() const {
    if (state_ != State::waiting) return 0;
    std::lock_guard lock(limiter_->mutex_);
    const auto& queue = lane_->queue_;
    const auto self = queue.find(place_);
    // Most wait at the end of the queue.
    if (std::next(self) == queue.end()) return queue.size() - 1;
    return static_cast<std::size_t>(std::distance(queue.begin(), self));
}

std::optional<Permit::time_point> Permit::expected(time_point now) const {
    if (state_ != State::waiting) return now;
    const auto others = ahead();
    std::lock_guard lock(limiter_->mutex_);
    return lane_->due(tokens_, others, now);
}

void Permit::sent(time_point now) {
    if (state_ != State::granted) return;
    std::function<void()> next;
    {
        std::lock_guard lock(limiter_->mutex_);
        if (lane_->calls_) slot_ = lane_->calls_->sent(now);
        if (lane_->tokens_) lane_->tokens_->book(tokens_, now);
        state_ = State::sent;
        sent_ = now;
        next = lane_->whose_turn(now);
    }
    if (next) next();
}

void Permit::arrived(time_point now) {
    if (state_ != State::sent || has_arrived_ || !lane_->calls_) return;
    has_arrived_ = true;
    std::function<void()> next;
    {
        std::lock_guard lock(limiter_->mutex_);
        lane_->calls_->arrived(slot_, now);
        next = lane_->whose_turn(std::max(now, sent_));
    }
    if (next) next();
}

void Permit::recall(time_point now) {
    if (state_ != State::sent) return;
    if (!has_arrived_) arrived(time_point{});
    if (lane_->pacer_) {
        std::lock_guard lock(limiter_->mutex_);
        lane_->pacer_->give_back();
    }
    settle(0, std::nullopt, now);
}

void Permit::settle(std::optional<std::int64_t> prompt_and_answer, std::optional<std::int64_t> answer, time_point now) {
    if (state_ != State::sent) return;
    std::function<void()> next;
    {
        std::lock_guard lock(limiter_->mutex_);
        if (answer) lane_->answers_[lane_->answered_++ % lane_->answers_.size()] = *answer;
        if (lane_->tokens_ && prompt_and_answer) {
            lane_->tokens_->settle(tokens_, *prompt_and_answer, sent_, now);
            next = lane_->whose_turn(now);
        }
        state_ = State::none;
    }
    if (next) next();
    lane_.reset();
    limiter_.reset();
}

void Permit::drop() {
    if (state_ == State::waiting || state_ == State::granted) {
        std::function<void()> next;
        {
            std::lock_guard lock(limiter_->mutex_);
            auto& lane = *lane_;
            if (state_ == State::waiting) {
                lane.queue_.erase(place_);
            } else {
                if (lane.calls_) lane.calls_->give_back(slot_);
                if (lane.pacer_) lane.pacer_->give_back();
                if (lane.tokens_) lane.tokens_->release(tokens_);
            }
            // Without a clock at hand: whoever is first looks for itself.
            if (!lane.queue_.empty()) next = lane.queue_.begin()->second.on_turn;
        }
        if (next) next();
    }
    state_ = State::none;
    lane_.reset();
    limiter_.reset();
}

void Permit::swap(Permit& other) noexcept {
    std::swap(limiter_, other.limiter_);
    std::swap(lane_, other.lane_);
    std::swap(state_, other.state_);
    std::swap(tokens_, other.tokens_);
    std::swap(place_, other.place_);
    std::swap(look_at_, other.look_at_);
    std::swap(slot_, other.slot_);
    std::swap(sent_, other.sent_);
    std::swap(has_arrived_, other.has_arrived_);
}

}  // namespace v0
}  // namespace holysheep
