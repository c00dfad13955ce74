// Compares silences with the round-trip time that the region is known for (RFC 6298).
#include "call/silence_watch.hpp"

#include <algorithm>

namespace holysheep::call {

namespace {

using namespace std::chrono_literals;

// The kernel answers a handshake at once.
constexpr auto kHandshakeGrace = 30ms;
constexpr int kFirstTls = 4;
// Linux delays acknowledgements by up to 40 ms while the application does not read.
constexpr auto kAckGrace = 45ms;

}  // namespace

void SilenceWatch::on_started(Attempt& attempt, time_point now) const {
    attempt.path_check = now + handshake_late_after(attempt.region);
}

void SilenceWatch::on_connected(Attempt& attempt, time_point now) const {
    attempt.raced = false;  // the race concerned its connection; its answer may be late, too
    attempt.path_check = now + path_late_after(attempt.region);
}

std::optional<time_point> SilenceWatch::next_check(const Attempt& attempt) const {
    std::optional<time_point> next;
    if (attempt.without_content()) next = attempt.path_check;
    if (attempt.phase == Phase::connecting && !attempt.raced) {
        const auto late = attempt.started + connect_late_after(attempt);
        next = std::min(next.value_or(late), late);
    }
    return next;
}

bool SilenceWatch::connection_is_late(const Attempt& attempt, time_point now) const {
    if (attempt.phase != Phase::connecting || attempt.raced) return false;
    if (attempt.path_check && now >= *attempt.path_check) return false;  // check first what the transport knows
    return now >= attempt.started + connect_late_after(attempt);
}

bool SilenceWatch::take_path_check(Attempt& attempt, time_point now) const {
    // A head may arrive before the whole request was sent.
    if (!attempt.without_content() || !attempt.path_check || now < *attempt.path_check) return false;
    attempt.path_check.reset();
    return true;
}

bool SilenceWatch::host_is_silent(Attempt& attempt, const PathEvidence& evidence, time_point now) const {
    // A proxy's acknowledgement says nothing about the region, and another region would use the same proxy.
    if (evidence.via_proxy) return false;
    const bool connecting = attempt.phase == Phase::connecting;
    if (connecting) attempt.answered = !evidence.unacked_for;
    if (!attempt.without_content() || !evidence.unacked_for || (connecting && attempt.raced)) return false;
    auto late_after = connecting ? handshake_late_after(attempt.region) : path_late_after(attempt.region);
    if (!connecting && evidence.srtt.count() > 0 && regions_.rtt(attempt.region).samples() < health::kSettledRtt) {
        late_after = evidence.srtt + std::max<nanoseconds>(4 * evidence.rttvar, kAckGrace);
    }
    if (*evidence.unacked_for >= late_after) return true;
    // While connecting, DNS took its time, or another address was tried before.
    attempt.path_check = now + (late_after - *evidence.unacked_for);
    return false;
}

nanoseconds SilenceWatch::connect_late_after(const Attempt& attempt) const {
    // On first contact with a host that answers, TLS may take as many slow round trips as it needs.
    const auto unknown = attempt.answered ? kFirstTls * policy_.connect_race : policy_.connect_race;
    return regions_.connect_late_after(attempt.region).value_or(unknown);
}

/// Connecting takes several round trips with TLS, and possibly a DNS lookup; but the first answer of the peer's host is
/// due after one.
nanoseconds SilenceWatch::handshake_late_after(std::size_t region) const {
    const auto& rtt = regions_.rtt(region);
    return rtt.known() ? rtt.late_after(kHandshakeGrace) : policy_.connect_race;
}

nanoseconds SilenceWatch::path_late_after(std::size_t region) const {
    const auto& rtt = regions_.rtt(region);
    return rtt.known() ? rtt.late_after(kAckGrace) : policy_.connect_race;
}

}  // namespace holysheep::call
