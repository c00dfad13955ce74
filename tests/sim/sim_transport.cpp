// Runs a transfer: connect, ask whether the request may be sent, send it, receive in order, keep the connection.
#include "sim_transport.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

constexpr Time kResolve = 1ms, kResolveFailure = 5ms;
constexpr Time kLongestDelayedAck = 40ms;
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

std::size_t region_of(const WorldPlan& plan, std::string_view url) {
    url.remove_prefix(std::min(url.size(), std::string_view("https://").size()));
    const auto host = url.substr(0, url.find('.'));
    const auto region = std::ranges::find(plan.regions, host, &RegionPlan::id);
    return static_cast<std::size_t>(region - plan.regions.begin());
}

}  // namespace

std::string base_url(const RegionPlan& region) { return "https://" + region.id + std::string(kDomain); }

SimTransport::SimTransport(const Surroundings& around, int client, int incarnation)
    : around_(around),
      client_(client),
      stream_base_((std::uint64_t(client) << 32U) | std::uint64_t(incarnation)),
      idle_(around.plan.regions.size()),
      probe_due_(around.plan.regions.size()) {}

SimTransport::~SimTransport() = default;

SimTransport::Transfer* SimTransport::find(TransferId id) {
    const auto found = transfers_.find(id);
    return found == transfers_.end() ? nullptr : &found->second;
}

TransferId SimTransport::start(HttpRequest request, TransferEvents& events) {
    const TransferId id = ++last_;
    const auto region = region_of(around_.plan, request.url);
    const auto call = call_of(request);
    const auto now = around_.queue.now();
    // The random stream depends on call and region, so that a call meets the same packet losses under every policy.
    const RandomStream luck(around_.seed, Purpose::path, {~stream_base_, id});
    const auto draws = call ? RandomStream(around_.seed, Purpose::path, {*call, region}) : luck;
    auto& transfer = transfers_.emplace(id, Transfer(draws, luck)).first->second;
    transfer.events = &events;
    transfer.region = region;
    transfer.call = call;
    transfer.dispatched = now;
    if (request.method == "POST") {
        transfer.ask = Ask::chat;
    } else if (request.url.ends_with("/ready")) {
        transfer.ask = Ask::ready;
    } else {
        transfer.ask = request.url.ends_with("/load") ? Ask::load : Ask::models;
    }
    if (call) {
        const auto& entry = around_.ledger.calls()[*call];
        refine_sign(entry.latest);
        // If every region was dead, the call had nowhere to go earlier.
        const bool late = had_choice(std::min(entry.awaited, now));
        around_.ledger.dispatched(*call, id, region, late, now, around_.faults.disturbs(region, now));
        if (around_.faults.dead(region, now)) around_.ledger.dispatched_to_dead();
    }
    auto& idle = idle_[region];
    if (idle.empty() || request.fresh_connection) {
        around_.queue.at(now, [this, id] { connect(id); });
    } else {
        transfer.connection = idle.back();
        transfer.connection.reused = true;
        idle.pop_back();
        transfer.ready = true;
        around_.queue.at(now, [this, id] { on_ready(id); });
    }
    return id;
}

bool SimTransport::had_choice(Time when) const {
    for (std::size_t region = 0; region < idle_.size(); ++region) {
        if (!around_.faults.dead(region, when)) return true;
    }
    return false;
}

void SimTransport::await(TransferId id, const Transfer& transfer, Time due) {
    if (transfer.call) around_.ledger.awaits(*transfer.call, id, due);
}

void SimTransport::connect(TransferId id) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    const auto region = transfer->region;
    const auto rtt = around_.path.rtt(region);
    const auto now = around_.queue.now();
    if (around_.faults.holds(FaultKind::dns, region, now)) {
        fail_connect(id, now + kResolveFailure, ErrorCode::transport_failed, "the name does not resolve");
        return;
    }
    const auto resolved = now + kResolve;
    const auto tcp = around_.path.connect(region, resolved, transfer->draws);
    await(id, *transfer, resolved + rtt);
    transfer->resolved = resolved;
    if (tcp.result == NetworkPath::Handshake::Result::established) transfer->shaken = tcp.at;
    if (tcp.result == NetworkPath::Handshake::Result::silent) return;
    if (tcp.result == NetworkPath::Handshake::Result::refused) {
        fail_connect(id, tcp.at, ErrorCode::transport_failed, "connection refused");
        return;
    }
    using Way = NetworkPath::Way;
    auto& draws = transfer->draws;
    if (around_.faults.holds(FaultKind::tls_stall, region, tcp.at)) {
        await(id, *transfer, tcp.at + rtt);
        return;
    }
    const auto hello = around_.path.arrival(region, Way::to_region, tcp.at, draws);
    if (hello == kNever) return;
    const auto secured = around_.path.arrival(region, Way::to_client, around_.faults.thawed(region, hello), draws);
    if (tcp.at <= resolved + 2 * rtt) await(id, *transfer, tcp.at + rtt);
    auto& connection = transfer->connection;
    connection.dns = kResolve;
    connection.connect = tcp.at - now;
    connection.tls = secured - now;
    connection.srtt = tcp.at - resolved;
    connection.rttvar = connection.srtt / 2;
    around_.queue.at(secured, [this, id] {
        auto* connected = find(id);
        if (connected == nullptr) return;
        if (around_.faults.refuses(connected->region, around_.queue.now())) {
            end_broken(id, around_.queue.now(), true, "connection reset");
            return;
        }
        connected->ready = true;
        on_ready(id);
    });
}

void SimTransport::fail_connect(TransferId id, Time when, ErrorCode code, const char* why) {
    around_.queue.at(
        when, [this, id, code, why] { end(id, {.error = code, .detail = why, .certainly_not_delivered = true}); });
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
    if (transfer->call) around_.ledger.unsent(*transfer->call);
    transfer->call.reset();
    end(id, {.error = ErrorCode::cancelled, .detail = "turned away", .certainly_not_delivered = true});
}

void SimTransport::send(TransferId id, Transfer& transfer) {
    using Way = NetworkPath::Way;
    const auto region = transfer.region;
    const auto now = around_.queue.now();
    const auto rtt = around_.path.rtt(region);
    auto& draws = transfer.draws;
    transfer.was_sent = true;
    transfer.sent = now;
    const auto arrival = around_.path.arrival(region, Way::to_region, now, draws);
    if (arrival == kNever) {
        await(id, transfer, now + rtt);
        return;
    }
    if (around_.faults.refuses(region, arrival)) {
        end_broken(id, arrival + rtt / 2, false, "connection reset");
        return;
    }
    const auto delay = draws.chance(0.5) ? Time{0} : from_seconds(draws.uniform(0, seconds(kLongestDelayedAck)));
    transfer.acked = around_.path.arrival(region, Way::to_client, arrival + delay, draws);
    // If the ACK comes later than any delay explains, it is the missing sign; otherwise the answer itself is.
    if (transfer.acked > now + 2 * rtt + kLongestDelayedAck) await(id, transfer, now + rtt);
    if (!transfer.call) {
        auto& due = probe_due_[region];
        if (!due) due = now + rtt;
    }
    around_.queue.at(arrival, [this, id] { on_arrival(id); });
}

void SimTransport::on_arrival(TransferId id) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    const auto region = transfer->region;
    const auto now = around_.queue.now();
    using Still = FaultSchedule::Still;
    const auto part = transfer->ask == Ask::chat ? Still::process : Still::probes;
    if (const auto thaw = around_.faults.thawed(region, now, part); thaw != now) {
        await(id, *transfer, transfer->sent + around_.path.rtt(region) + around_.plan.prefill_median);
        around_.queue.at(thaw, [this, id] { on_arrival(id); });
        return;
    }
    switch (transfer->ask) {
        case Ask::models: answer(id, Part::models); break;
        case Ask::load: answer(id, Part::load); break;
        case Ask::chat:
        case Ask::ready: submit(id, *transfer); break;
    }
}

void SimTransport::close(const Transfer& transfer) {
    if (transfer.job == 0) {
        note_waste(transfer.call, transfer.served);
        return;
    }
    // The gateway notices the closed connection half a round trip later.
    const auto there = around_.queue.now() + around_.path.rtt(transfer.region) / 2;
    around_.queue.at(around_.faults.thawed(transfer.region, there, FaultSchedule::Still::probes),
                     [this, call = transfer.call, region = transfer.region, job = transfer.job] {
                         note_waste(call, around_.gateways[region]->abandon(job));
                     });
}

void SimTransport::refine_sign(TransferId id) {
    const auto* transfer = find(id);
    if (transfer == nullptr || !transfer->call || !transfer->was_sent) return;
    const auto& due = probe_due_[transfer->region];
    const auto now = around_.queue.now();
    if (!due || around_.faults.thawed(transfer->region, now, FaultSchedule::Still::probes) == now) return;
    await(id, *transfer, std::max(*due, transfer->sent));
}

void SimTransport::cancel(TransferId id) {
    const auto found = transfers_.find(id);
    if (found == transfers_.end()) return;
    const auto& transfer = found->second;
    refine_sign(id);
    // A raced connection that lost does not count as a request.
    if (!transfer.was_sent && transfer.call) around_.ledger.unsent(*transfer.call);
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
    const auto held = std::exchange(transfer->held, {});
    for (const auto part : held) {
        around_.queue.at(around_.queue.now(), [this, id, part] { receive(id, part); });
    }
}

std::optional<PathEvidence> SimTransport::evidence(TransferId id) const {
    const auto found = transfers_.find(id);
    if (found == transfers_.end()) return std::nullopt;
    const auto& transfer = found->second;
    const auto now = around_.queue.now();
    if (!transfer.was_sent) {
        if (!transfer.resolved || *transfer.resolved > now) return std::nullopt;
        if (transfer.shaken > now) return PathEvidence{.unacked_for = now - *transfer.resolved};
        return PathEvidence{.srtt = around_.path.rtt(transfer.region)};
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
    const auto at = around_.queue.now() + around_.path.rtt(region) / 2;
    for (const auto id : lost) {
        find(id)->job = 0;
        end_broken(id, at, false, "connection reset");
    }
}

}  // namespace holysheep::sim
