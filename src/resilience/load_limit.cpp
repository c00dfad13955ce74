// Computes the limit as a function of time, so that it grows without a timer.
#include "resilience/load_limit.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace holysheep::resilience {

namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

constexpr double kGrowth = 0.4;  // C of RFC 9438
constexpr double kCut = 0.15;    // 1 − β
constexpr auto kForgottenAfter = 60s;
constexpr int kOutcomes = 32;  // the refused share is an average over about this many outcomes
constexpr double kToleratedShare = 0.36;
constexpr auto kMaxPauseWithoutHint = 5s;
constexpr int kMaxDoublings = 10;

void update_mean(double& mean, int& counted, int limit, bool refused) {
    counted = std::min(counted + 1, limit);
    mean += ((refused ? 1.0 : 0.0) - mean) / counted;
}

}  // namespace

double LoadLimit::limit(time_point now) const {
    if (w_max_ == kUnlimited || now - lowered_at_ > kForgottenAfter) return kUnlimited;
    const double t = std::max(0.0, Seconds(now - grows_from_).count());
    const double k = std::cbrt(w_max_ * (1 - beta_) / kGrowth);
    return kGrowth * (t - k) * (t - k) * (t - k) + w_max_;
}

void LoadLimit::count(bool refused, time_point now) {
    if (now - std::max(refused_at_, served_at_) > kForgottenAfter) counted_ = 0;
    update_mean(refused_share_, counted_, kOutcomes, refused);
}

void LoadLimit::lower(const Refusal& refusal, time_point now) {
    if (w_max_ != kUnlimited && refusal.sent < lowered_at_) return;  // its burst has already lowered the limit
    const double excess = std::clamp((refused_share_ - kToleratedShare) / refused_share_, 0.0, 1.0);
    if (excess <= 0) return;
    w_max_ = std::max(1.0, std::min<double>(limit(now), refusal.others));
    beta_ = 1 - kCut * excess;
    lowered_at_ = grows_from_ = now;
}

LoadLimit::nanoseconds LoadLimit::on_refusal(const Refusal& refusal, double random, time_point now) {
    if (!refusal.dead) count(true, now);
    if (in_a_row_ == 0) refused_since_ = now;
    if (in_a_row_ == 0 || refusal.sent >= refused_at_) ++in_a_row_;
    refused_at_ = now;
    if (!refusal.dead) lower(refusal, now);
    const auto pause = pause_after(refusal, random, now);
    if (pause > nanoseconds{} && w_max_ != kUnlimited) grows_from_ = std::max(grows_from_, now + pause);
    return pause;
}

LoadLimit::nanoseconds LoadLimit::pause_after(const Refusal& refusal, double random, time_point now) const {
    const bool hinted = refusal.hint && *refusal.hint > milliseconds{};
    const bool never_served = served_at_ == time_point::min();
    const bool row_is_long = in_a_row_ > 1 && hinted && now - refused_since_ >= *refusal.hint;
    if (hinted && (refusal.used_up || never_served || row_is_long)) return *refusal.hint;
    // A 503 needs no pause: requests in flight make room when they end, and if the region serves none, the breaker
    // opens. A first hint needs none either: the refused request waits that long, but others may be served.
    if (!refusal.throttled || (hinted && in_a_row_ < 2)) return {};
    const Seconds own = Seconds(0.2 + 0.3 * random) * std::exp2(std::min(in_a_row_ - 1, kMaxDoublings));
    auto pause = std::min<nanoseconds>(std::chrono::round<nanoseconds>(own), kMaxPauseWithoutHint);
    // If requests are being served, one refusal must not stop the others.
    if (!never_served) pause = std::min<nanoseconds>(pause, now - served_at_);
    return hinted ? std::min<nanoseconds>(pause, *refusal.hint) : pause;
}

void LoadLimit::on_success(time_point now) {
    count(false, now);
    in_a_row_ = 0;
    served_at_ = now;
}

bool LoadLimit::forgettable(time_point now) const {
    return w_max_ == kUnlimited ? in_a_row_ == 0 : now - lowered_at_ > kForgottenAfter;
}

}  // namespace holysheep::resilience
