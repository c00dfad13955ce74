// How a simulated path treats packets; the test controls the time.
#include "testing/packet_path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace holysheep::testing {
namespace {

using namespace std::chrono_literals;

constexpr PacketPath::time_point kNow{1h};

/// A packet that is identified by its length.
std::vector<std::uint8_t> packet(std::size_t size) { return std::vector<std::uint8_t>(size); }

std::vector<std::size_t> arrived(PacketPath& path, PacketPath::time_point now) {
    std::vector<std::size_t> sizes;
    while (const auto bytes = path.receive(now)) sizes.push_back(bytes->size());
    return sizes;
}

std::vector<std::uint8_t> tcp_packet(std::uint8_t flags) {
    auto bytes = packet(40);
    bytes[0] = 0x45;
    bytes[9] = 6;
    bytes[20 + 13] = flags;
    return bytes;
}

TEST(PacketPath, DelaysEachPacket) {
    PacketPath path(1);
    path.set({.delay = 10ms});
    path.send(packet(1), kNow);
    EXPECT_EQ(path.next_arrival(), kNow + 10ms);
    EXPECT_TRUE(arrived(path, kNow + 10ms - 1ns).empty());
    EXPECT_EQ(arrived(path, kNow + 10ms), std::vector<std::size_t>{1});
    EXPECT_EQ(path.passed(), 1U);
}

TEST(PacketPath, KeepsTheOrderUnderJitter) {
    PacketPath path(1);
    path.set({.delay = 10ms, .jitter = 100ms});
    for (std::size_t i = 1; i <= 50; ++i) path.send(packet(i), kNow + i * 1ms);
    const auto sizes = arrived(path, kNow + 1s);
    ASSERT_EQ(sizes.size(), 50U);
    EXPECT_TRUE(std::ranges::is_sorted(sizes));
}

TEST(PacketPath, ReordersPacketsIfConfigured) {
    PacketPath path(1);
    path.set({.delay = 10ms, .reorder = 0.2});
    for (std::size_t i = 1; i <= 50; ++i) path.send(packet(i), kNow);
    EXPECT_FALSE(std::ranges::is_sorted(arrived(path, kNow + 1s)));
}

TEST(PacketPath, DropsTheConfiguredFraction) {
    PacketPath path(1);
    path.set({.loss = 0.1});
    for (int i = 0; i < 1'000; ++i) path.send(packet(1), kNow);
    EXPECT_NEAR(static_cast<double>(path.dropped()), 100, 40);
}

TEST(PacketPath, PacketsInFlightStillArriveWhenDroppingStarts) {
    PacketPath path(1);
    path.set({.delay = 10ms});
    path.send(packet(1), kNow);
    path.set({.delay = 10ms, .drop = true});
    path.send(packet(2), kNow);
    EXPECT_EQ(arrived(path, kNow + 1s), std::vector<std::size_t>{1});
    EXPECT_EQ(path.dropped(), 1U);
}

TEST(PacketPath, DropsOnlyConnectionAttempts) {
    constexpr std::uint8_t kSyn = 0x02, kAck = 0x10;
    EXPECT_TRUE(opens_connection(tcp_packet(kSyn)));
    EXPECT_FALSE(opens_connection(tcp_packet(kSyn | kAck)));
    EXPECT_FALSE(opens_connection(tcp_packet(kAck)));
    EXPECT_FALSE(opens_connection(packet(0)));
    EXPECT_FALSE(opens_connection(packet(20)));
    PacketPath path(1);
    path.set({.drop_syn = true});
    path.send(tcp_packet(kSyn), kNow);
    path.send(tcp_packet(kAck), kNow);
    EXPECT_EQ(arrived(path, kNow).size(), 1U);
}

}  // namespace
}  // namespace holysheep::testing
