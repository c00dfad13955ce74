// Delays and drops packets. Keeps their order unless reordering is requested, because queues delay packets without
// reordering them.
#include "testing/packet_path.hpp"

#include <algorithm>
#include <utility>

namespace holysheep {
inline namespace v0 {
namespace testing {

bool opens_connection(std::span<const std::uint8_t> packet) {
    constexpr std::uint8_t kTcp = 6, kSyn = 0x02, kAck = 0x10;
    if (packet.size() < 20 || packet[0] >> 4U != 4 || packet[9] != kTcp) return false;
    const std::size_t flags = std::size_t{4} * (packet[0] & 0x0FU) + 13;
    return flags < packet.size() && (packet[flags] & (kSyn | kAck)) == kSyn;
}

bool PacketPath::is_dropped(std::span<const std::uint8_t> packet) {
    if (conditions_.drop || (conditions_.drop_syn && opens_connection(packet))) return true;
    return conditions_.loss > 0 && std::bernoulli_distribution(std::min(conditions_.loss, 1.0))(random_);
}

void PacketPath::send(std::span<const std::uint8_t> packet, time_point now) {
    if (is_dropped(packet)) {
        ++dropped_;
        return;
    }
    auto due = now;
    const bool overtakes =
        conditions_.reorder > 0 && std::bernoulli_distribution(std::min(conditions_.reorder, 1.0))(random_);
    if (!overtakes) {
        due += conditions_.delay;
        if (conditions_.jitter.count() > 0) {
            due += std::chrono::microseconds(
                std::uniform_int_distribution<std::int64_t>(0, conditions_.jitter.count())(random_));
        }
        due = last_due_ = std::max(due, last_due_);
    }
    in_flight_.push({due, ++last_number_, {packet.begin(), packet.end()}});
}

std::optional<PacketPath::Bytes> PacketPath::receive(time_point now) {
    if (in_flight_.empty() || in_flight_.top().due > now) return std::nullopt;
    auto bytes = in_flight_.top().bytes;
    in_flight_.pop();
    ++passed_;
    return bytes;
}

std::optional<PacketPath::time_point> PacketPath::next_arrival() const {
    if (in_flight_.empty()) return std::nullopt;
    return in_flight_.top().due;
}

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
