// Runs a transfer: connect, ask whether the request may be sent, send it, receive in order, keep the connection.
#include "sim_transport.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

constexpr Time kResolve = 1ms, kResolveFailure = 5ms;
constexpr Time kMaxAckDelay = 40ms;
constexpr std::string_view kDomain = ".sim.test/v1";

std::optional<CallNumber> call_of(const HttpRequest& request) {
    for (const auto& [name, value] : request.headers) {
        if (name != kCallHeader) continue;
        CallNumber call = 0;
        std::from_chars(value.data(), value.data() + value.size(), call);
        return call;
    }
    return std::nullopt;
}

std::size_t region_of(const SimulationPlan& plan, std::string_view url) {
    url.remove_prefix(std::min(url.size(), std::string_view("https://").size()));
    const auto host = url.substr(0, url.find('.'));
    const auto region = std::ranges::find(plan.regions, host, &RegionPlan::id);
    return static_cast<std::size_t>(region - plan.regions.begin());
}

}  // namespace

std::string base_url(const RegionPlan& region) { return "https://" + region.id + std::string(kDomain); }

SimTransport::SimTransport(const Environment& env, int client, int incarnation)
    : env_(env),
      client_(client),
      stream_base_((std::uint64_t(client) << 32U) | std::uint64_t(incarnation)),
      idle_(env.plan.regions.size()),
      probe_due_(env.plan.regions.size()) {}

SimTransport::~SimTransport() = default;

SimTransport::Transfer* SimTransport::find(TransferId id) {
    const auto found = transfers_.find(id);
    return found == transfers_.end() ? nullptr : &found->second;
}

TransferId SimTransport::start(HttpRequest request, TransferEvents& events) {
    const TransferId id = ++last_;
    const auto region = region_of(env_.plan, request.url);
    const auto call = call_of(request);
    const auto now = env_.queue.now();
    // The random stream depends on call and region, so that a call meets the same packet losses under every policy.
    const RandomStream request_random(env_.seed, Purpose::path, {~stream_base_, id});
    const auto random = call ? RandomStream(env_.seed, Purpose::path, {*call, region}) : request_random;
    auto& transfer = transfers_.emplace(id, Transfer(random, request_random)).first->second;
    transfer.events = &events;
    transfer.region = region;
    transfer.call = call;
    transfer.dispatched = now;
    if (request.method == "POST") {
        transfer.kind = RequestKind::chat;
    } else if (request.url.ends_with("/ready")) {
        transfer.kind = RequestKind::ready;
    } else {
        transfer.kind = request.url.ends_with("/load") ? RequestKind::load : RequestKind::models;
    }
    if (call) {
        const auto& entry = env_.ledger.calls()[*call];
        update_expected(entry.latest);
        // If every region was dead, the call had nowhere to go earlier.
        const bool late = any_region_alive(std::min(entry.expected_by, now));
        env_.ledger.dispatched(*call, id, region, late, now, env_.faults.disturbs(region, now));
        if (env_.faults.dead(region, now)) env_.ledger.dispatched_to_dead();
    }
    auto& idle = idle_[region];
    if (idle.empty() || request.fresh_connection) {
        env_.queue.at(now, [this, id] { connect(id); });
    } else {
        transfer.connection = idle.back();
        transfer.connection.reused = true;
        idle.pop_back();
        transfer.ready = true;
        env_.queue.at(now, [this, id] { on_ready(id); });
    }
    return id;
}

bool SimTransport::any_region_alive(Time when) const {
    for (std::size_t region = 0; region < idle_.size(); ++region) {
        if (!env_.faults.dead(region, when)) return true;
    }
    return false;
}

void SimTransport::expect_by(TransferId id, const Transfer& transfer, Time due) {
    if (transfer.call) env_.ledger.expect_by(*transfer.call, id, due);
}

void SimTransport::connect(TransferId id) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    const auto region = transfer->region;
    const auto rtt = env_.path.rtt(region);
    const auto now = env_.queue.now();
    if (env_.faults.active(FaultKind::dns, region, now)) {
        fail_connect(id, now + kResolveFailure, ErrorCode::transport_failed, "the name does not resolve");
        return;
    }
    const auto resolved = now + kResolve;
    const auto tcp = env_.path.connect(region, resolved, transfer->random);
    expect_by(id, *transfer, resolved + rtt);
    transfer->resolved = resolved;
    if (tcp.result == NetworkPath::Handshake::Result::established) transfer->handshake_done = tcp.at;
    if (tcp.result == NetworkPath::Handshake::Result::silent) return;
    if (tcp.result == NetworkPath::Handshake::Result::refused) {
        fail_connect(id, tcp.at, ErrorCode::transport_failed, "connection refused");
        return;
    }
    using Direction = NetworkPath::Direction;
    auto& random = transfer->random;
    if (env_.faults.active(FaultKind::tls_stall, region, tcp.at)) {
        expect_by(id, *transfer, tcp.at + rtt);
        return;
    }
    const auto hello = env_.path.arrival(region, Direction::to_region, tcp.at, random);
    if (hello == kNever) return;
    const auto secured = env_.path.arrival(region, Direction::to_client, env_.faults.freeze_end(region, hello), random);
    if (tcp.at <= resolved + 2 * rtt) expect_by(id, *transfer, tcp.at + rtt);
    auto& connection = transfer->connection;
    connection.dns = kResolve;
    connection.connect = tcp.at - now;
    connection.tls = secured - now;
    connection.srtt = tcp.at - resolved;
    connection.rttvar = connection.srtt / 2;
    env_.queue.at(secured, [this, id] {
        auto* connected = find(id);
        if (connected == nullptr) return;
        if (env_.faults.refuses(connected->region, env_.queue.now())) {
            end_with_reset(id, env_.queue.now(), true, "connection reset");
            return;
        }
        connected->ready = true;
        on_ready(id);
    });
}

void SimTransport::fail_connect(TransferId id, Time when, ErrorCode code, const char* why) {
    env_.queue.at(when,
                  [this, id, code, why] { end(id, {.error = code, .detail = why, .certainly_not_delivered = true}); });
}

void SimTransport::on_ready(TransferId id) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    const bool send_it = transfer->events->may_send(id);
    transfer = find(id);
    if (transfer == nullptr) return;
    if (send_it) {
        send(id, *transfer);
        return;
    }
    // Like libcurl, close the connection of a transfer that its user aborts.
    if (transfer->call) env_.ledger.unsent(*transfer->call);
    transfer->call.reset();
    end(id, {.error = ErrorCode::cancelled, .detail = "refused by the client", .certainly_not_delivered = true});
}

void SimTransport::send(TransferId id, Transfer& transfer) {
    using Direction = NetworkPath::Direction;
    const auto region = transfer.region;
    const auto now = env_.queue.now();
    const auto rtt = env_.path.rtt(region);
    auto& random = transfer.random;
    transfer.was_sent = true;
    transfer.sent = now;
    const auto arrival = env_.path.arrival(region, Direction::to_region, now, random);
    if (arrival == kNever) {
        expect_by(id, transfer, now + rtt);
        return;
    }
    if (env_.faults.refuses(region, arrival)) {
        end_with_reset(id, arrival + rtt / 2, false, "connection reset");
        return;
    }
    const auto delay = random.chance(0.5) ? Time{0} : from_seconds(random.uniform(0, seconds(kMaxAckDelay)));
    transfer.acked = env_.path.arrival(region, Direction::to_client, arrival + delay, random);
    // If the ACK comes later than any delay explains, it is the missing sign; otherwise the answer itself is.
    if (transfer.acked > now + 2 * rtt + kMaxAckDelay) expect_by(id, transfer, now + rtt);
    if (!transfer.call) {
        auto& due = probe_due_[region];
        if (!due) due = now + rtt;
    }
    env_.queue.at(arrival, [this, id] { on_arrival(id); });
}

void SimTransport::on_arrival(TransferId id) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    const auto region = transfer->region;
    const auto now = env_.queue.now();
    using Component = FaultSchedule::Component;
    const auto part = transfer->kind == RequestKind::chat ? Component::process : Component::probes;
    if (const auto frozen_until = env_.faults.freeze_end(region, now, part); frozen_until != now) {
        expect_by(id, *transfer, transfer->sent + env_.path.rtt(region) + env_.plan.prefill_median);
        env_.queue.at(frozen_until, [this, id] { on_arrival(id); });
        return;
    }
    switch (transfer->kind) {
        case RequestKind::models: answer(id, Part::models); break;
        case RequestKind::load: answer(id, Part::load); break;
        case RequestKind::chat:
        case RequestKind::ready: submit(id, *transfer); break;
    }
}

void SimTransport::close(const Transfer& transfer) {
    if (transfer.job == 0) {
        record_waste(transfer.call, transfer.served);
        return;
    }
    // The gateway notices the closed connection half a round trip later.
    const auto there = env_.queue.now() + env_.path.rtt(transfer.region) / 2;
    env_.queue.at(env_.faults.freeze_end(transfer.region, there, FaultSchedule::Component::probes),
                  [this, call = transfer.call, region = transfer.region, job = transfer.job] {
                      record_waste(call, env_.gateways[region]->abandon(job));
                  });
}

void SimTransport::update_expected(TransferId id) {
    const auto* transfer = find(id);
    if (transfer == nullptr || !transfer->call || !transfer->was_sent) return;
    const auto& due = probe_due_[transfer->region];
    const auto now = env_.queue.now();
    if (!due || env_.faults.freeze_end(transfer->region, now, FaultSchedule::Component::probes) == now) return;
    expect_by(id, *transfer, std::max(*due, transfer->sent));
}

void SimTransport::cancel(TransferId id) {
    const auto found = transfers_.find(id);
    if (found == transfers_.end()) return;
    const auto& transfer = found->second;
    update_expected(id);
    // A raced connection that lost does not count as a request.
    if (!transfer.was_sent && transfer.call) env_.ledger.unsent(*transfer.call);
    close(transfer);
    transfers_.erase(found);
}

void SimTransport::pause(TransferId id) {
    if (auto* transfer = find(id)) transfer->paused = true;
}

void SimTransport::resume(TransferId id) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    transfer->paused = false;
    const auto undelivered = std::exchange(transfer->undelivered, {});
    for (const auto part : undelivered) {
        env_.queue.at(env_.queue.now(), [this, id, part] { receive(id, part); });
    }
}

std::optional<PathEvidence> SimTransport::evidence(TransferId id) const {
    const auto found = transfers_.find(id);
    if (found == transfers_.end()) return std::nullopt;
    const auto& transfer = found->second;
    const auto now = env_.queue.now();
    if (!transfer.was_sent) {
        if (!transfer.resolved || *transfer.resolved > now) return std::nullopt;
        if (transfer.handshake_done > now) return PathEvidence{.unacked_for = now - *transfer.resolved};
        return PathEvidence{.srtt = env_.path.rtt(transfer.region)};
    }
    PathEvidence evidence{.srtt = transfer.connection.srtt, .rttvar = transfer.connection.rttvar};
    if (transfer.acked > now) evidence.unacked_for = now - transfer.sent;
    return evidence;
}

void SimTransport::lose_region(std::size_t region, bool died) {
    idle_[region].clear();
    if (!died) return;
    std::vector<TransferId> lost;
    for (const auto& [id, transfer] : transfers_) {
        if (transfer.region == region && transfer.ready) lost.push_back(id);
    }
    std::ranges::sort(lost);
    const auto at = env_.queue.now() + env_.path.rtt(region) / 2;
    for (const auto id : lost) {
        find(id)->job = 0;
        end_with_reset(id, at, false, "connection reset");
    }
}

}  // namespace holysheep::sim
