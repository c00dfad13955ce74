// When a stream's socket is read and when it is paused.
#include "execution/read_gate.hpp"

#include <gtest/gtest.h>

namespace holysheep::execution {
namespace {

constexpr Clock::time_point kReadStart{std::chrono::hours(1)};

TEST(ReadGate, StopsWhileTheSinkIsFull) {
    ReadGate gate;
    EXPECT_FALSE(gate.needs_update());
    gate.on_sink_full();
    EXPECT_TRUE(gate.needs_update());
    gate.on_transfer_paused(kReadStart);
    EXPECT_FALSE(gate.needs_update());
    EXPECT_EQ(gate.paused_at(), kReadStart);
    gate.on_sink_room();
    EXPECT_TRUE(gate.needs_update());
    gate.on_transfer_resumed();
    EXPECT_FALSE(gate.paused());
}

TEST(ReadGate, StaysClosedUntilBothReasonsAreGone) {
    ReadGate gate;
    gate.on_sink_full();
    gate.pause();
    gate.on_sink_room();
    EXPECT_TRUE(gate.should_pause());
    gate.resume();
    EXPECT_FALSE(gate.should_pause());
}

TEST(ReadGate, PausesTheNextTransferWhileAPauseLasts) {
    ReadGate gate;
    gate.pause();
    gate.on_transfer_paused(kReadStart);
    gate.on_transfer_resumed();  // another attempt continues the stream
    EXPECT_TRUE(gate.needs_update());
}

}  // namespace
}  // namespace holysheep::execution
