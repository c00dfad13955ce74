// The reason in a record when another attempt was sent beside this one.
#include "call/evidence.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace holysheep::call {
namespace {

using namespace std::chrono_literals;

TEST(DescribeEvidence, HasADistinctTextForEveryKind) {
    std::set<std::string> lines;
    for (const auto kind : {Evidence::late_connection, Evidence::unacknowledged, Evidence::no_probe_answer,
                            Evidence::slow, Evidence::deadline, Evidence::slow_trial}) {
        const auto line = describe_evidence(kind, {}, 1s);
        EXPECT_FALSE(line.ends_with("; ")) << line;
        lines.insert(line);
    }
    EXPECT_EQ(lines.size(), 6U);
}

TEST(DescribeEvidence, UsesSecondsFrom950Milliseconds) {
    EXPECT_EQ(describe_evidence(Evidence::slow, {}, 949ms), "still connecting after 949 ms; answers begin sooner");
    EXPECT_EQ(describe_evidence(Evidence::slow, {}, 951ms), "still connecting after 1.0 s; answers begin sooner");
    EXPECT_EQ(describe_evidence(Evidence::slow, {}, 2'449ms), "still connecting after 2.4 s; answers begin sooner");
}

TEST(DescribeEvidence, NamesPhaseSilenceAndEvidence) {
    AttemptTimings timings;
    EXPECT_EQ(describe_evidence(Evidence::late_connection, timings, 90ms),
              "still connecting after 90 ms; connections are faster there");
    timings.sent = 1ms;
    EXPECT_EQ(describe_evidence(Evidence::unacknowledged, timings, 65ms),
              "silent since its request for 65 ms; nothing was acknowledged");
    timings.first_byte = 2ms;
    EXPECT_EQ(describe_evidence(Evidence::no_probe_answer, timings, 1040ms),
              "silent after its head for 1.0 s; no answer to a probe");
    timings.first_content = 3ms;
    EXPECT_EQ(describe_evidence(Evidence::no_probe_answer, timings, 2300ms),
              "silent in mid-answer for 2.3 s; no answer to a probe");
    EXPECT_EQ(describe_evidence(Evidence::none, timings, 1s), "");
}

}  // namespace
}  // namespace holysheep::call
