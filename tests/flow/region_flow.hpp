// Helpers for tests of routing: regions of equal rank, answers per region, and the state of a region.
#pragma once

#include <map>
#include <optional>

#include "call_flow.hpp"

namespace holysheep::flow {

inline const std::string kUs = "us-west", kEu = "eu-central", kAp = "ap-southeast";

/// Regions in one tier with equal weight, so that only the strategy decides.
inline std::vector<Region> equal_regions(const std::vector<std::string>& ids) { return FakeTransport::regions(ids); }

inline std::map<std::string, int> count_by_region(const std::vector<std::string>& regions) {
    std::map<std::string, int> counts;
    for (const auto& region : regions) ++counts[region];
    return counts;
}

inline RegionHealth health_of(const CallFlow& flow, const std::string& region) {
    for (auto& known : flow.client.stats().regions) {
        if (known.id == region) return std::move(known.health);
    }
    ADD_FAILURE() << region << " is no region of this client";
    return {};
}

inline BreakerState breaker_of(const CallFlow& flow, const std::string& region) {
    return health_of(flow, region).breaker;
}

/// Makes one call; returns the region that answered, or an empty string.
inline std::string answered_by(CallFlow& flow, CallOptions options = {}) {
    const auto reply = flow.client.chat(a_question(), std::move(options));
    return reply ? reply->region : "";
}

/// Makes `calls` calls, one after another; returns how often each region answered.
inline std::map<std::string, int> answers_of(CallFlow& flow, int calls, const CallOptions& options = {}) {
    std::map<std::string, int> counts;
    for (int i = 0; i < calls; ++i) ++counts[answered_by(flow, options)];
    return counts;
}

/// For a manual clock: moves time in small steps until the call has ended.
inline Result<ChatCompletion> ask_in_steps(CallFlow& flow, CallOptions options = {}, nanoseconds at_most = 600s) {
    auto answer = flow.client.chat_async(a_question(), std::move(options));
    for (const auto end = flow.clock.now() + at_most; !is_ready(answer) && flow.clock.now() < end;) {
        flow.clock.advance(5ms);
    }
    if (!is_ready(answer)) {
        ADD_FAILURE() << "no answer within the time limit";
        return Error{};
    }
    return answer.get();
}

inline std::vector<AttemptKind> kinds(const std::vector<AttemptRecord>& attempts) {
    std::vector<AttemptKind> kinds;
    for (const auto& attempt : attempts) kinds.push_back(attempt.kind);
    return kinds;
}

}  // namespace holysheep::flow
