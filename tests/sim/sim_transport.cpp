// The life of a transfer: connect, ask whether it may be sent, send, receive in order, keep the connection.
#include "sim_transport.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

constexpr Time kResolve = 1ms, kResolveFailure = 5ms;
constexpr Time kLongestDelayedAck = 40ms;
constexpr double kPromptTokens = 400, kTokensPerSecond = 50;
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
    // The path is drawn per call and region, so that a call meets the same packet losses under every policy.
    auto draws = call ? RandomStream(around_.seed, Purpose::path, {*call, region})
                      : RandomStream(around_.seed, Purpose::path, {~stream_base_, id});
    auto& transfer = transfers_.emplace(id, Transfer(draws)).first->second;
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
        // With every region dead there was nowhere to go earlier.
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
    // Like libcurl, which closes the connection of a transfer that its user aborts.
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
    // An ACK that is later than any delay explains is the sign that was missed; else it is the answer itself.
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
    if (const auto thaw = around_.faults.thawed(region, now); thaw != now) {
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

void SimTransport::submit(TransferId id, Transfer& transfer) {
    const auto region = transfer.region;
    const auto now = around_.queue.now();
    auto& gateway = *around_.gateways[region];
    Gateway::Work work;
    if (transfer.ask == Ask::ready) {
        work.turn_only = true;
    } else {
        const auto* brown_out = around_.faults.find(FaultKind::brown_out, region, now);
        if (brown_out != nullptr && transfer.draws.chance(brown_out->value)) {
            answer(id, Part::overloaded);
            return;
        }
        if (!gateway.admits(now)) {
            answer(id, Part::throttled);
            return;
        }
        const auto& plan = around_.plan;
        RandomStream service(around_.seed, Purpose::service, {transfer.call.value_or(0), region});
        work.prefill = from_seconds(service.log_normal(seconds(plan.prefill_median), plan.prefill_sigma));
        work.hold = from_seconds(service.log_normal(seconds(plan.hold_median), plan.hold_sigma));
        const auto* cut = around_.faults.find(FaultKind::cut, region, now);
        work.cut = cut != nullptr && service.chance(cut->value);
        if (transfer.acked != kNever) await(id, transfer, now + work.prefill + around_.path.rtt(region) / 2);
    }
    transfer.job = gateway.submit(work, [this, id, now](Gateway::Step step) { on_step(id, step, now); });
}

void SimTransport::on_step(TransferId id, Gateway::Step step, Time arrived) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    const auto done = [&] {
        transfer->job = 0;
        transfer->served = seconds(around_.queue.now() - arrived);
    };
    switch (step) {
        case Gateway::Step::first_content: answer(id, Part::first_piece); break;
        case Gateway::Step::piece: answer(id, Part::piece); break;
        case Gateway::Step::finished:
            done();
            answer(id, Part::last_piece);
            break;
        case Gateway::Step::cut:
            done();
            answer(id, Part::cut);
            break;
        case Gateway::Step::ready: answer(id, Part::models); break;
    }
}

void SimTransport::answer(TransferId id, Part part) {
    auto& transfer = *find(id);
    const auto at =
        around_.path.arrival(transfer.region, NetworkPath::Way::to_client, around_.queue.now(), transfer.draws);
    if (at == kNever) {
        transfer.in_order = kNever;
        return;
    }
    if (transfer.in_order == kNever) return;  // TCP delivers nothing after a gap
    transfer.in_order = std::max(transfer.in_order, at);
    around_.queue.at(transfer.in_order, [this, id, part] { receive(id, part); });
}

void SimTransport::receive(TransferId id, Part part) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    if (transfer->paused) {
        transfer->held.push_back(part);
        return;
    }
    if (transfer->acked > around_.queue.now()) transfer->acked = around_.queue.now();
    switch (part) {
        case Part::first_piece:
            if (tell_head(id, 200, {{"content-type", "text/event-stream"}})) tell_body(id, answer_bytes::first_piece);
            break;
        case Part::piece: tell_body(id, answer_bytes::piece); break;
        case Part::last_piece:
            if (tell_body(id, answer_bytes::last_piece)) end(id, {});
            break;
        case Part::cut: end_broken(id, around_.queue.now(), false, "connection reset"); break;
        case Part::overloaded: whole_answer(id, 503, answer_bytes::overloaded, {}); break;
        case Part::throttled: whole_answer(id, 429, answer_bytes::throttled, {{"retry-after", "5"}}); break;
        case Part::models: whole_answer(id, 200, answer_bytes::models, {}); break;
        case Part::load: {
            const auto& gateway = *around_.gateways[transfer->region];
            const auto in_flight = static_cast<std::size_t>(gateway.busy()) + gateway.waiting();
            whole_answer(id, 200, answer_bytes::models,
                         {{"x-in-flight", std::to_string(in_flight)},
                          {"x-latency-us", std::to_string(gateway.recent_latency() / 1us)}});
            break;
        }
    }
}

void SimTransport::whole_answer(TransferId id, int status, std::string_view body, Headers headers) {
    auto& transfer = *find(id);
    if (!transfer.call) probe_due_[transfer.region].reset();
    if (transfer.call && status != 200) around_.ledger.failed(*transfer.call, id, around_.queue.now());
    headers.emplace_back("content-type", "application/json");
    if (tell_head(id, status, std::move(headers)) && tell_body(id, body)) end(id, {});
}

bool SimTransport::tell_head(TransferId id, int status, Headers headers) {
    auto& transfer = *find(id);
    HttpHead head{.status = status, .headers = std::move(headers), .connection_reused = transfer.connection.reused};
    if (!transfer.connection.reused) {
        head.timings.dns = transfer.connection.dns;
        head.timings.connect = transfer.connection.connect;
        head.timings.tls = transfer.connection.tls;
    }
    transfer.events->on_head(id, std::move(head));
    return find(id) != nullptr;
}

bool SimTransport::tell_body(TransferId id, std::string_view bytes) {
    find(id)->events->on_body(id, bytes);
    return find(id) != nullptr;
}

void SimTransport::end(TransferId id, TransferEnd end) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    auto& connection = transfer->connection;
    const auto now = around_.queue.now();
    end.connection_reused = connection.reused;
    if (!connection.reused) {
        end.timings.dns = connection.dns;
        end.timings.connect = connection.connect;
        end.timings.tls = connection.tls;
    }
    if (end.error) {
        if (transfer->call) around_.ledger.failed(*transfer->call, id, now);
        note_waste(transfer->call, transfer->served);
    } else if (!around_.faults.refuses(transfer->region, now)) {
        const auto sample = transfer->acked - transfer->sent;
        // What was sent twice tells nothing about the round trip (RFC 6298, section 3).
        if (sample < around_.path.rtt(transfer->region) + NetworkPath::kMinimalRto) {
            connection.rttvar += (std::chrono::abs(connection.srtt - sample) - connection.rttvar) / 4;
            connection.srtt += (sample - connection.srtt) / 8;
        }
        idle_[transfer->region].push_back(connection);
    }
    auto* events = transfer->events;
    transfers_.erase(id);
    events->on_end(id, std::move(end));
}

void SimTransport::end_broken(TransferId id, Time when, bool undelivered, const char* why) {
    around_.queue.at(when, [this, id, undelivered, why] {
        end(id, {.error = ErrorCode::transport_failed, .detail = why, .certainly_not_delivered = undelivered});
    });
}

void SimTransport::note_waste(std::optional<CallNumber> call, std::optional<double> served) {
    if (call && served) around_.ledger.waste(*call, kPromptTokens + kTokensPerSecond * *served);
}

void SimTransport::close(const Transfer& transfer) {
    if (transfer.job == 0) {
        note_waste(transfer.call, transfer.served);
        return;
    }
    // The gateway sees the close when it gets there.
    const auto there = around_.queue.now() + around_.path.rtt(transfer.region) / 2;
    around_.queue.at(around_.faults.thawed(transfer.region, there),
                     [this, call = transfer.call, region = transfer.region, job = transfer.job] {
                         note_waste(call, around_.gateways[region]->abandon(job));
                     });
}

void SimTransport::refine_sign(TransferId id) {
    const auto* transfer = find(id);
    if (transfer == nullptr || !transfer->call || !transfer->was_sent) return;
    const auto& due = probe_due_[transfer->region];
    if (!due || !around_.faults.holds(FaultKind::frozen, transfer->region, around_.queue.now())) return;
    await(id, *transfer, std::max(*due, transfer->sent));
}

void SimTransport::cancel(TransferId id) {
    const auto found = transfers_.find(id);
    if (found == transfers_.end()) return;
    const auto& transfer = found->second;
    refine_sign(id);
    // A raced connection that lost costs no request.
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
    if (found == transfers_.end() || !found->second.was_sent) return std::nullopt;
    const auto& transfer = found->second;
    PathEvidence evidence{.srtt = transfer.connection.srtt, .rttvar = transfer.connection.rttvar};
    const auto now = around_.queue.now();
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
