// The second half of a transfer: how the gateway handles the request, and how its answer gets back.
// request at the gateway → [answers] → TransferEvents
#include <algorithm>
#include <utility>

#include "sim_transport.hpp"

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

constexpr Time kWindow = 10s;
constexpr Time kBetweenComments = 200ms;
constexpr double kPromptTokens = 400, kTokensPerSecond = 50;

}  // namespace

void SimTransport::submit(TransferId id, Transfer& transfer) {
    const auto region = transfer.region;
    const auto now = env_.queue.now();
    auto& gateway = *env_.gateways[region];
    Gateway::Work work;
    if (transfer.kind == RequestKind::ready) {
        work.turn_only = true;
    } else {
        if (const auto refused = refusal(transfer, now)) {
            if (*refused == Part::throttled || *refused == Part::over_quota) env_.ledger.throttled();
            answer(id, *refused);
            return;
        }
        const auto& plan = env_.plan;
        RandomStream service(env_.seed, Purpose::service, {transfer.call.value_or(0), region});
        work.prefill = from_seconds(service.log_normal(seconds(plan.prefill_median), plan.prefill_sigma));
        work.hold = from_seconds(service.log_normal(seconds(plan.hold_median), plan.hold_sigma));
        const auto* cut = env_.faults.find(FaultKind::cut, region, now);
        work.cut = cut != nullptr && service.chance(cut->value);
        if (transfer.acked != kNever) expect_by(id, transfer, now + work.prefill + env_.path.rtt(region) / 2);
        if (!plan.late_head) answer(id, Part::head);
        comment(id);
    }
    transfer.job = gateway.submit(work, [this, id, now](Gateway::Step step) { on_step(id, step, now); });
}

void SimTransport::comment(TransferId id) {
    const auto* transfer = find(id);
    if (transfer == nullptr) return;
    const auto now = env_.queue.now();
    if (!env_.faults.active(FaultKind::comments_forever, transfer->region, now)) return;
    answer(id, Part::comment);
    env_.queue.at(now + kBetweenComments, [this, id] { comment(id); });
}

std::optional<SimTransport::Part> SimTransport::refusal(Transfer& transfer, Time now) {
    const auto region = transfer.region;
    auto& gateway = *env_.gateways[region];
    const auto fault = [&](FaultKind kind) { return env_.faults.find(kind, region, now); };
    if (const auto* poison = fault(FaultKind::poison)) {
        // The same call fails in every region.
        RandomStream draw(env_.seed, Purpose::service, {transfer.call.value_or(0), env_.plan.regions.size()});
        if (draw.chance(poison->value)) return Part::broken;
    }
    if (const auto* quota = fault(FaultKind::key_quota)) {
        const double per_second = quota->value * env_.plan.arrivals_per_second();
        if (!env_.key_quota.take(per_second, now)) return Part::over_quota;
    }
    const auto* brown_out = fault(FaultKind::brown_out);
    if (brown_out != nullptr && transfer.random.chance(brown_out->value)) return Part::overloaded;
    const auto* refusals = fault(FaultKind::refusals);
    if (refusals != nullptr && transfer.request_random.chance(refusals->value)) return Part::overloaded_with_hint;
    const auto* shed = fault(FaultKind::shed);
    if (shed != nullptr && gateway.full()) return shed->value > 0 ? Part::overloaded_with_hint : Part::overloaded;
    if (!account_admits(region, now) || !gateway.admits(now)) return Part::throttled;
    return std::nullopt;
}

bool SimTransport::account_admits(std::size_t region, Time now) {
    const auto* window = env_.faults.find(FaultKind::window, region, now);
    if (window == nullptr) return true;
    while (!account_.empty() && account_.front() <= now - kWindow) account_.pop_front();
    if (static_cast<double>(account_.size()) >= window->value) return false;
    account_.push_back(now);
    return true;
}

void SimTransport::on_step(TransferId id, Gateway::Step step, Time arrived) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    const auto done = [&] {
        transfer->job = 0;
        transfer->served = seconds(env_.queue.now() - arrived);
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
        env_.path.arrival(transfer.region, NetworkPath::Direction::to_client, env_.queue.now(), transfer.random);
    if (at == kNever) {
        transfer.in_order = kNever;
        return;
    }
    if (transfer.in_order == kNever) return;  // TCP delivers nothing after a gap
    transfer.in_order = std::max(transfer.in_order, at);
    env_.queue.at(transfer.in_order, [this, id, part] { receive(id, part); });
}

void SimTransport::receive(TransferId id, Part part) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    if (transfer->paused) {
        transfer->undelivered.push_back(part);
        return;
    }
    if (transfer->acked > env_.queue.now()) transfer->acked = env_.queue.now();
    switch (part) {
        case Part::head: deliver_stream_head(id); break;
        case Part::comment:
            if (deliver_stream_head(id)) deliver_body(id, answer_bytes::comment);
            break;
        case Part::first_piece:
            if (deliver_stream_head(id)) deliver_body(id, answer_bytes::first_piece);
            break;
        case Part::piece: deliver_body(id, answer_bytes::piece); break;
        case Part::last_piece:
            if (deliver_body(id, answer_bytes::last_piece)) end(id, {});
            break;
        case Part::cut: end_with_reset(id, env_.queue.now(), false, "connection reset"); break;
        case Part::overloaded: deliver_answer(id, 503, answer_bytes::overloaded, {}); break;
        case Part::overloaded_with_hint:
            deliver_answer(id, 503, answer_bytes::overloaded, {{"retry-after", "1"}});
            break;
        case Part::over_quota: deliver_answer(id, 429, answer_bytes::throttled, {}); break;
        case Part::broken: deliver_answer(id, 500, answer_bytes::overloaded, {}); break;
        case Part::throttled: deliver_answer(id, 429, answer_bytes::throttled, {{"retry-after", "5"}}); break;
        case Part::models: deliver_answer(id, 200, answer_bytes::models, {}); break;
        case Part::load: {
            const auto& gateway = *env_.gateways[transfer->region];
            const auto in_flight = static_cast<std::size_t>(gateway.busy()) + gateway.waiting();
            deliver_answer(id, 200, answer_bytes::models,
                           {{"x-in-flight", std::to_string(in_flight)},
                            {"x-latency-us", std::to_string(gateway.recent_latency() / 1us)}});
            break;
        }
    }
}

void SimTransport::deliver_answer(TransferId id, int status, std::string_view body, Headers headers) {
    auto& transfer = *find(id);
    if (!transfer.call) probe_due_[transfer.region].reset();
    if (transfer.call && status != 200) env_.ledger.failed(*transfer.call, id, env_.queue.now());
    headers.emplace_back("content-type", "application/json");
    if (deliver_head(id, status, std::move(headers)) && deliver_body(id, body)) end(id, {});
}

bool SimTransport::deliver_head(TransferId id, int status, Headers headers) {
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

bool SimTransport::deliver_stream_head(TransferId id) {
    auto& transfer = *find(id);
    if (std::exchange(transfer.has_head, true)) return true;
    return deliver_head(id, 200, {{"content-type", "text/event-stream"}});
}

bool SimTransport::deliver_body(TransferId id, std::string_view bytes) {
    find(id)->events->on_body(id, bytes);
    return find(id) != nullptr;
}

void SimTransport::end(TransferId id, TransferEnd end) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    auto& connection = transfer->connection;
    const auto now = env_.queue.now();
    end.connection_reused = connection.reused;
    if (!connection.reused) {
        end.timings.dns = connection.dns;
        end.timings.connect = connection.connect;
        end.timings.tls = connection.tls;
    }
    if (end.error) {
        if (transfer->call) env_.ledger.failed(*transfer->call, id, now);
        record_waste(transfer->call, transfer->served);
    } else if (!env_.faults.refuses(transfer->region, now)) {
        const auto sample = transfer->acked - transfer->sent;
        // A packet that was retransmitted gives no sample of the round trip (RFC 6298, section 3).
        if (sample < env_.path.rtt(transfer->region) + NetworkPath::kMinimalRto) {
            connection.rttvar += (std::chrono::abs(connection.srtt - sample) - connection.rttvar) / 4;
            connection.srtt += (sample - connection.srtt) / 8;
        }
        idle_[transfer->region].push_back(connection);
    }
    auto* events = transfer->events;
    transfers_.erase(id);
    events->on_end(id, std::move(end));
}

void SimTransport::end_with_reset(TransferId id, Time when, bool undelivered, const char* why) {
    env_.queue.at(when, [this, id, undelivered, why] {
        end(id, {.error = ErrorCode::transport_failed, .detail = why, .certainly_not_delivered = undelivered});
    });
}

void SimTransport::record_waste(std::optional<CallNumber> call, std::optional<double> served) {
    if (call && served) env_.ledger.waste(*call, kPromptTokens + kTokensPerSecond * *served);
}

}  // namespace holysheep::sim
