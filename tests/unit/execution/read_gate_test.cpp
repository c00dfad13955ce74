// When a stream's socket is read and when it is paused.
#include "execution/read_gate.hpp"

#include <gtest/gtest.h>

namespace holysheep::execution {
namespace {

constexpr Clock::time_point kReadStart{std::chrono::hours(1)};

TEST(ReadGate, StopsWhileTheSinkIsFull) {
    ReadGate gate;
    EXPECT_FALSE(gate.must_change());
    gate.on_sink_full();
    EXPECT_TRUE(gate.must_change());
    gate.stop(kReadStart);
    EXPECT_FALSE(gate.must_change());
    EXPECT_EQ(gate.stopped_at(), kReadStart);
    gate.on_sink_room();
    EXPECT_TRUE(gate.must_change());
    gate.go_on();
    EXPECT_FALSE(gate.stopped());
}

TEST(ReadGate, StaysClosedUntilBothReasonsAreGone) {
    ReadGate gate;
    gate.on_sink_full();
    gate.pause();
    gate.on_sink_room();
    EXPECT_TRUE(gate.wants_stop());
    gate.resume();
    EXPECT_FALSE(gate.wants_stop());
}

TEST(ReadGate, PausesTheNextTransferWhileAPauseLasts) {
    ReadGate gate;
    gate.pause();
    gate.stop(kReadStart);
    gate.go_on();  // another attempt continues the stream
    EXPECT_TRUE(gate.must_change());
}

}  // namespace
}  // namespace holysheep::execution
