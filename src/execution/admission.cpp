// Requests the resources of an attempt in a fixed order: key, budget, slot in the region. Nothing here blocks: a call
// that has to wait is called back.
#include "execution/admission.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "resilience/quota_pace.hpp"
#include "values/ascii.hpp"
#include "values/duration_text.hpp"

namespace holysheep::execution {

namespace {

using namespace std::chrono_literals;

// A call that queues for a full region also polls, without being called: load limits grow with time. Calls far from the
// head of the queue poll less often.
constexpr milliseconds kPollInterval{100}, kPollIntervalBehind{2'000};
// A region that answered within this time serves this model and key.
constexpr auto kRecently = 10s;
// Requests that a call throttled elsewhere may join in a region that has not answered recently.
constexpr int kUnproven = 4;

// A gateway may report any number. These bounds keep sums of such numbers within the range of the type.
constexpr std::int64_t kMaxCalls = 1'000'000'000, kMaxTokens = 1'000'000'000'000, kMaxMoney = 100'000'000'000'000'000;
constexpr std::int64_t sane(std::int64_t amount, std::int64_t most) {
    return std::clamp<std::int64_t>(amount, 0, most);
}

/// Converts a limit that a gateway gives per minute. Both factors are bounded, so that the product stays within the
/// range.
std::int64_t in_window(std::int64_t per_minute, milliseconds per) {
    const auto calls = static_cast<double>(sane(per_minute, kMaxCalls)) * (static_cast<double>(per.count()) / 60'000);
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(calls));
}

std::optional<std::uint64_t> account_in(const std::vector<std::pair<std::string, std::string>>& headers) {
    constexpr std::string_view kName = "authorization";
    const auto found = std::ranges::find_if(
        headers, [&](const auto& header) { return values::equal_ignoring_case(header.first, kName); });
    if (found == headers.end()) return std::nullopt;
    return account_of(found->second);
}

}  // namespace

Admission::Admission(const AdmissionServices& services, const Exchange& exchange, time_point since,
                     std::function<OnReady()> make_on_ready)
    : services_(services),
      exchange_(exchange),
      since_(since),
      limited_(exchange.rate_limited && services.limiter != nullptr),
      caller_account_(account_in(exchange.headers)),
      make_on_ready_(std::move(make_on_ready)) {}

Admission::~Admission() { settle_cost(Money{}, since_); }

std::optional<std::size_t> Admission::choose_key(std::size_t region, values::ModelId model, time_point now) const {
    const auto& keys = services_.keys;
    if (!needs_key(region)) return std::nullopt;
    if (const auto key = keys.ring().pick(region, model, now)) return key;
    return keys.ring().least_bad();
}

std::shared_ptr<RateLimiter::Impl::Partition> Admission::partition_of(std::size_t region,
                                                                      std::optional<std::size_t> key,
                                                                      std::string_view name, time_point now) const {
    return services_.limiter->partition(caller_account_ ? *caller_account_ : services_.keys.account(region, key), name,
                                        now);
}

Admission::Grant& Admission::prepare_grant(std::size_t attempt) {
    if (asked_ != 0 && asked_ != attempt) withdraw();
    asked_ = attempt;
    grants_.resize(std::max(grants_.size(), attempt));
    return grants_[attempt - 1];
}

resilience::LimiterKey Admission::load_key(values::ModelId model, std::optional<std::size_t> key) const {
    if (caller_account_) return {model, *caller_account_};
    return {model, key ? *key + 1 : 0};
}

resilience::Bulkhead::QueueKey Admission::order() const {
    if (waiter_) return waiter_.queue_key();
    return {resilience::Bulkhead::age(since_, exchange_.priority), std::numeric_limits<std::uint64_t>::max()};
}

bool Admission::has_room(std::size_t region, values::ModelId model, time_point now) const {
    const auto load = load_key(model, choose_key(region, model, now));
    auto& bulkhead = services_.bulkhead;
    // A quota that one region has refused may be shared by all regions: try a few requests first.
    if (throttled_ == model && bulkhead.in_flight(region, load) >= kUnproven &&
        !bulkhead.serves(region, load, now - kRecently))
        return false;
    return bulkhead.has_room_for(region, load, order(), now);
}

bool Admission::is_served(std::size_t region, values::ModelId model, time_point now) const {
    return services_.bulkhead.serves(region, load_key(model, choose_key(region, model, now)), now - kRecently);
}

std::string Admission::full_reason(const std::vector<resilience::Bulkhead::Target>& targets, time_point now) const {
    const auto& bulkhead = services_.bulkhead;
    if (std::ranges::none_of(targets, [&](const auto& target) { return bulkhead.below_cap(target.region); })) {
        return "every region has " + std::to_string(bulkhead.max_per_region()) +
               " requests in flight (concurrency.max_per_region)";
    }
    std::string limits;
    for (const auto& target : targets) {
        const auto limit = bulkhead.load_limit(target.region, target.key, now);
        if (limit) limits += (limits.empty() ? "" : ", ") + std::to_string(*limit);
    }
    return "every region refuses further load" +
           (limits.empty() ? std::string() : " (at a time they take " + limits + " requests)");
}

Admission::Answer Admission::wait_for_room(std::span<const std::size_t> regions, values::ModelId model,
                                           nanoseconds max_wait, time_point now) {
    auto& bulkhead = services_.bulkhead;
    std::vector<resilience::Bulkhead::Target> targets;
    for (const auto region : regions) {
        targets.push_back({region, load_key(model, choose_key(region, model, now))});
    }
    const bool by_load = bulkhead.max_per_region() <= 0 || std::ranges::any_of(targets, [&](const auto& target) {
                             return bulkhead.at_load_limit(target, now);
                         });
    const auto waited = queued_at_ ? now - *queued_at_ : nanoseconds{};
    if (by_load && waited >= max_wait) {
        return refuse({.code = ErrorCode::rate_limited_locally,
                       .message = full_reason(targets, now) + "; it waited for its turn for " +
                                  values::wait_text(waited) + " (retry.max_wait)"});
    }
    if (waiter_) {
        waiter_.skip(std::move(targets));
        return Answer::wait;
    }
    withdraw();
    if (exchange_.fail_fast.value_or(false)) {
        return refuse({.code = ErrorCode::rate_limited_locally,
                       .message = full_reason(targets, now) + "; CallOptions::fail_fast forbids waiting"});
    }
    using enum resilience::Bulkhead::QueueCap;
    const auto cap = was_admitted_ || by_load ? exempt : enforced;
    const auto full = cap == enforced ? full_reason(targets, now) : std::string();
    waiter_ = bulkhead.join(std::move(targets), since_, exchange_.priority, cap, make_on_ready_());
    if (waiter_) {
        queued_at_ = now;
        if (by_load) longest_wait_ = now + std::min<nanoseconds>(max_wait, 24h);
        return Answer::wait;
    }
    return refuse({.code = ErrorCode::rate_limited_locally,
                   .message = full + " and " + std::to_string(bulkhead.waiting()) +
                              " calls wait (concurrency.queue); raise one of them, or send less at once"});
}

void Admission::prepare_permit(Grant& grant, std::size_t region, const AskedModel& model, time_point now) {
    grant.key = choose_key(region, model.id, now);
    grant.key_version = services_.keys.version();
    if (!limited_) return;
    auto partition = partition_of(region, grant.key, model.name, now);
    if (grant.permit && grant.partition == partition) return;  // it keeps its place in that queue
    grant.partition = partition;
    const auto answer = exchange_.size.answer_tokens.value_or(services_.limiter->answer_tokens(*partition));
    grant.permit = Permit(services_.limiter, std::move(partition),
                          {.tokens = exchange_.size.prompt_tokens + answer,
                           .since = since_,
                           .priority = exchange_.priority,
                           .on_ready = make_on_ready_()},
                          now);
}

Admission::Answer Admission::ask(std::size_t attempt, std::size_t region, const AskedModel& model,
                                 std::optional<time_point> deadline, time_point now) {
    was_admitted_ = true;
    auto& keys = services_.keys;
    if (!key_problem_.empty()) {
        return refuse({.code = ErrorCode::unauthenticated, .message = "no key: " + key_problem_});
    }
    if (needs_key(region) && !waits_for_key_) {
        self_ = std::make_shared<Admission*>(this);
        const std::weak_ptr<Admission*> self = self_;
        waits_for_key_ = keys.must_wait([self](const std::string& problem) {
            const auto alive = self.lock();
            if (!alive) return;
            auto& admission = **alive;
            admission.waits_for_key_ = false;
            admission.key_problem_ = problem;
            admission.make_on_ready_()();
        });
    }
    if (waits_for_key_) {
        leave_queue();
        return Answer::wait;
    }
    if (auto refused = reserve_cost(model, now)) return refuse(std::move(*refused));
    auto& grant = prepare_grant(attempt);
    prepare_permit(grant, region, model, now);
    if (!limited_ || grant.permit.poll(now)) return Answer::granted;
    const auto expected = grant.permit.expected(now);
    const bool late = expected && deadline && *expected >= *deadline;
    if (fails_fast() || late || grant.permit.exceeds_limit()) return refuse(limit_error(model.name, now));
    leave_queue();
    return Answer::wait;
}

bool Admission::ask_beside(std::size_t attempt, std::size_t region, const AskedModel& model, time_point now) {
    if (!has_room(region, model.id, now) || (needs_key(region) && !services_.keys.known())) return false;
    auto& grant = prepare_grant(attempt);
    prepare_permit(grant, region, model, now);
    if (!limited_ || grant.permit.poll(now)) return true;
    withdraw();
    return false;
}

bool Admission::share(std::size_t attempt, std::size_t region, const AskedModel& model, time_point now) {
    if (needs_key(region) && !services_.keys.known()) return false;
    Grant shared;
    shared.key = choose_key(region, model.id, now);
    shared.key_version = services_.keys.version();
    if (limited_) {
        shared.partition = partition_of(region, shared.key, model.name, now);
        const bool same = std::ranges::any_of(grants_, [&](const Grant& grant) {
            return grant.open && !grant.used && grant.permit.granted() && grant.partition == shared.partition;
        });
        if (!same) return false;
    }
    prepare_grant(attempt) = std::move(shared);
    return true;
}

std::optional<Error> Admission::reserve_cost(const AskedModel& model, time_point now) {
    auto& spending = services_.spending;
    // The cost of raw requests is unknown.
    if (exchange_.kind == ExchangeKind::raw || !spending.limited(exchange_.label)) return std::nullopt;
    const auto& cost = model.cost;
    if (!cost || cost->currency != spending.currency()) {
        return Error{.code = ErrorCode::budget_exceeded,
                     .message = "the budget cannot be kept: the price of \"" + model.name + "\" " +
                                (cost ? "is in " + cost->currency + ", the ceiling in " + spending.currency()
                                      : "is not known; say it in ClientOptions::models or Client::set_prices")};
    }
    // A fallback model may be more expensive than the previous one.
    if (reserved_ && cost->nano <= *reserved_) return std::nullopt;
    const auto refused = spending.reserve(exchange_.label, cost->nano - reserved_.value_or(0), now);
    if (!refused) {
        reserved_ = cost->nano;
        return std::nullopt;
    }
    const auto money = [&](std::int64_t nano) {
        return Money{nano, spending.currency()}.amount() + " " + spending.currency();
    };
    Error error{.code = ErrorCode::budget_exceeded};
    error.message =
        (refused->of_label ? "the budget of \"" + exchange_.label + "\"" : std::string("the client's budget")) + ": " +
        money(refused->spent) + " of " + money(refused->ceiling) + " are spent or reserved, and this call may cost " +
        money(cost->nano);
    if (cost->nano > refused->ceiling) {
        error.message += ", more than the whole; lower max_completion_tokens or raise the ceiling";
    } else if (refused->until) {
        error.retry_after = std::chrono::ceil<milliseconds>(*refused->until - now);
        error.message += "; it fits again in " + values::wait_text(*error.retry_after);
    } else {
        error.message += "; what other calls really cost may make room for it";
    }
    return error;
}

void Admission::settle_cost(const std::optional<Money>& cost, time_point now) {
    if (!reserved_) return;
    const bool known = cost && (cost->nano == 0 || cost->currency == services_.spending.currency());
    services_.spending.settle(exchange_.label, *reserved_, known ? sane(cost->nano, kMaxMoney) : *reserved_, now);
    reserved_.reset();
}

Error Admission::limit_error(std::string_view model, time_point now) const {
    const auto& options = services_.limiter->options();
    Error error{.code = ErrorCode::rate_limited_locally};
    const auto of_model = model.empty() ? std::string() : " for " + std::string(model);
    if (requested_permit().exceeds_limit()) {
        error.message = "the call may take more tokens than rate_limit.tokens_per_minute (" +
                        std::to_string(options.tokens_per_minute) + ") allows" + of_model +
                        "; lower max_completion_tokens, shorten the prompt or raise the limit";
        return error;
    }
    std::string limit;
    if (options.requests > 0) limit = std::to_string(options.requests) + " calls per " + values::wait_text(options.per);
    if (options.tokens_per_minute > 0) {
        limit += (limit.empty() ? "" : ", ") + std::to_string(options.tokens_per_minute) + " tokens per minute";
    }
    error.message = "rate_limit (" + limit + of_model + ") is used up";
    if (const auto expected = requested_permit().expected(now)) {
        error.retry_after = std::chrono::ceil<milliseconds>(std::max(*expected, now) - now);
        error.message += "; the turn of this call would come in " + values::wait_text(*error.retry_after);
    }
    if (const auto ahead = requested_permit().ahead(); ahead > 0) {
        error.message += ", after " + std::to_string(ahead) + " others";
    }
    if (!fails_fast()) {
        error.message += ", which is after its deadline";
    } else {
        error.message += exchange_.fail_fast ? "; CallOptions::fail_fast" : "; rate_limit.fail_fast";
        error.message += " forbids waiting";
    }
    return error;
}

std::optional<Admission::time_point> Admission::next_poll(time_point now) const {
    if (waiter_) {
        const auto poll = now + (waiter_.near_front() ? kPollInterval : kPollIntervalBehind);
        return longest_wait_ > now ? std::min(longest_wait_, poll) : poll;
    }
    if (waits_for_key_) return std::nullopt;
    if (asked_ == 0) return std::nullopt;
    return requested_permit().next_poll();
}

void Admission::withdraw() {
    leave_queue();
    if (asked_ != 0) grants_[std::exchange(asked_, 0) - 1] = {};
}

void Admission::begin(std::size_t attempt, std::size_t region, values::ModelId model, time_point now) {
    auto& grant = grants_[attempt - 1];
    asked_ = 0;
    grant.open = true;
    grant.slot = services_.bulkhead.acquire(region, load_key(model, grant.key), now);
    leave_queue();
}

void Admission::served(std::size_t attempt, time_point now) {
    auto& grant = grants_[attempt - 1];
    if (!std::exchange(grant.served, true)) grant.slot.on_success(now);
}

void Admission::sent(std::size_t attempt, time_point now) {
    auto& own = grants_[attempt - 1];
    own.used = true;
    if (!own.permit) {
        const auto rival = std::ranges::find_if(grants_, [&](const Grant& grant) {
            return grant.open && grant.permit.granted() && grant.partition == own.partition;
        });
        if (rival == grants_.end()) return;
        own.permit = std::exchange(rival->permit, {});
    }
    own.permit.sent(now);
}

void Admission::arrived(std::size_t attempt, time_point now) { grants_[attempt - 1].permit.arrived(now); }

void Admission::end(std::size_t attempt, bool delivered, const Usage* used, time_point now) {
    if (attempt > grants_.size()) return;
    auto& grant = grants_[attempt - 1];
    grant.open = false;
    grant.slot.release();
    if (!grant.used) {
        // A rival that is still connecting needs the permit now.
        const auto rival = std::ranges::find_if(grants_, [&](const Grant& other) {
            return other.open && !other.used && !other.permit && other.partition == grant.partition;
        });
        if (grant.permit && rival != grants_.end()) rival->permit = std::exchange(grant.permit, {});
        grant.permit = {};
    } else if (!delivered) {
        grant.permit.recall(now);
    } else if (used != nullptr && used->present) {
        const auto answer = sane(used->completion_tokens, kMaxTokens);
        grant.permit.settle(sane(used->prompt_tokens, kMaxTokens) + answer, answer, now);
    } else {
        grant.permit.settle(std::nullopt, std::nullopt, now);
    }
}

bool Admission::on_failure(std::size_t attempt, std::size_t region, values::ModelId model, ErrorCode error,
                           std::optional<milliseconds> retry_after, time_point now) {
    const auto& grant = grants_[attempt - 1];
    if (error == ErrorCode::rate_limited) throttled_ = model;
    if (!grant.key) return false;
    auto& ring = services_.keys.ring();
    switch (error) {
        case ErrorCode::unauthenticated:
            if (services_.keys.renewable()) {
                services_.keys.renew(grant.key_version);
                return !std::exchange(renewed_key_, true);
            }
            [[fallthrough]];
        case ErrorCode::insufficient_quota: ring.refuse(*grant.key, error, now); break;
        case ErrorCode::rate_limited:
            if (ring.size() < 2) return false;
            ring.limit(*grant.key, region, model, now + std::min<nanoseconds>(retry_after.value_or(1s), 10min), now);
            break;
        default: return false;
    }
    return ring.pick(region, model, now).has_value();
}

bool Admission::on_quota(std::size_t attempt, std::size_t region, values::ModelId model, const RateLimits& limits,
                         time_point now) {
    const auto& grant = grants_[attempt - 1];
    if (grant.key) {
        auto& ring = services_.keys.ring();
        if (ring.size() > 1) {
            const auto share = resilience::remaining_share(limits);
            if (share) ring.record_remaining(*grant.key, region, model, *share, now);
        }
    }
    if (grant.partition == nullptr || (!limits.limit_requests && !limits.limit_tokens)) return false;
    auto requests = limits.limit_requests;
    if (requests && *requests <= 0) requests.reset();
    if (requests) requests = in_window(*requests, services_.limiter->options().per);
    return services_.limiter->adopt(*grant.partition, requests, limits.limit_tokens, now);
}

}  // namespace holysheep::execution
