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
    gate.on_transfer_paused(kReadStart);
    EXPECT_FALSE(gate.must_change());
    EXPECT_EQ(gate.paused_at(), kReadStart);
    gate.on_sink_room();
    EXPECT_TRUE(gate.must_change());
    gate.on_transfer_resumed();
    EXPECT_FALSE(gate.paused());
}

TEST(ReadGate, StaysClosedUntilBothReasonsAreGone) {
    ReadGate gate;
    gate.on_sink_full();
    gate.pause();
    gate.on_sink_room();
    EXPECT_TRUE(gate.wants_pause());
    gate.resume();
    EXPECT_FALSE(gate.wants_pause());
}

TEST(ReadGate, PausesTheNextTransferWhileAPauseLasts) {
    ReadGate gate;
    gate.pause();
    gate.on_transfer_paused(kReadStart);
    gate.on_transfer_resumed();  // another attempt continues the stream
    EXPECT_TRUE(gate.must_change());
}

}  // namespace
}  // namespace holysheep::execution
