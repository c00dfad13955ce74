// Uses the library's own components for everything but transport, clock and seed; callbacks run inline.
#include "production_caller.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <holysheep/client.hpp>

#include "sim_clock.hpp"

namespace holysheep::sim {

namespace {

std::string text(std::chrono::nanoseconds span) { return std::to_string(span / std::chrono::milliseconds(1)) + " ms"; }

/// Counts hedges, and writes the decision log if one is wanted.
class CallObserver final : public EventListener {
  public:
    CallObserver(const Environment& env, int client) : env_(env), client_(client) {}

    void on_call(const CallRecord& call) override {
        if (call.label.empty()) return;
        const auto number = static_cast<CallNumber>(std::stoul(call.label));
        for (const auto& attempt : call.attempts) {
            if (attempt.kind == AttemptKind::hedge) env_.ledger.hedged(number);
            if (env_.trace.on()) write(number, attempt);
        }
    }

    void on_region(const RegionHealth& region) override {
        if (!env_.trace.on()) return;
        env_.trace.line(env_.queue.now(), client_,
                        "region " + region.id + " is " + std::string(to_string(region.liveness)) + ", breaker " +
                            std::string(to_string(region.breaker)) + ": " + region.reason);
    }

  private:
    void write(CallNumber number, const AttemptRecord& attempt) {
        const auto began = env_.ledger.calls()[number].began;
        std::string line = "call " + std::to_string(number) + " attempt " + std::to_string(attempt.number) + " at" +
                           clock_text(began + attempt.started) + " " + std::string(to_string(attempt.kind)) + " " +
                           attempt.region + ": ";
        if (attempt.error) {
            line += std::string(to_string(*attempt.error)) + " (" + attempt.detail + ")";
        } else {
            line += "answered";
        }
        if (attempt.timings.first_content) line += ", first content after " + text(*attempt.timings.first_content);
        if (attempt.timings.total) line += ", over after " + text(*attempt.timings.total);
        env_.trace.line(env_.queue.now(), client_, line);
    }

    Environment env_;
    int client_;
};

class ProductionCaller final : public Caller {
  public:
    ProductionCaller(const Process& process, ClientOptions options)
        : env_(process.env),
          clock_(std::make_shared<SimClock>(process.env.queue)),
          client_(complete(std::move(options), process)) {}

    void start_call(CallNumber call) override {
        CallOptions options;
        options.label = std::to_string(call);
        options.headers = {{std::string(kCallHeader), options.label}};
        if (const auto deadline = env_.plan.deadline) {
            options.deadline = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline);
        }
        if (env_.plan.restart_streams) options.stream_recovery = StreamRecovery::restart;
        ChatRequest request{.model = "sim", .messages = {user("Tell me a story.")}};
        client_.stream_async(
            std::move(request), std::move(options),
            [this, call](const ChatChunk& chunk) {
                if (!chunk.text.empty()) env_.ledger.first_content(call, env_.queue.now());
            },
            [this, call](const Result<ChatCompletion>& result) {
                env_.ledger.over(call, result.has_value(), env_.queue.now());
                if (!result && env_.trace.on()) {
                    env_.trace.line(env_.queue.now(), env_.ledger.calls()[call].client,
                                    "call " + std::to_string(call) + " failed: " + result.error().message);
                }
            });
    }

    void jump(Time by) override { clock_->jump(by); }

  private:
    ClientOptions complete(ClientOptions options, const Process& process) {
        for (const auto& region : process.env.plan.regions) {
            options.regions.push_back({.id = region.id, .base_url = base_url(region)});
            if (options.selector.strategy == Strategy::weighted) options.regions.back().weight = region.weight;
        }
        options.api_key = "sk-simulated";
        options.transport = process.transport;
        options.clock = clock_;
        options.seed = process.seed;
        options.log.level = LogLevel::off;
        options.callback_executor = [](const std::function<void()>& function) { function(); };
        options.listeners = {std::make_shared<CallObserver>(process.env, process.client)};
        return options;
    }

    Environment env_;
    std::shared_ptr<SimClock> clock_;
    Client client_;
};

std::unique_ptr<Caller> with_strategy(const Process& process, Strategy strategy) {
    ClientOptions options;
    options.selector.strategy = strategy;
    return std::make_unique<ProductionCaller>(process, std::move(options));
}

}  // namespace

std::unique_ptr<Caller> make_adaptive(const Process& process) {
    return std::make_unique<ProductionCaller>(process, ClientOptions{});
}

std::unique_ptr<Caller> make_adaptive_hedged(const Process& process) {
    ClientOptions options;
    options.hedging.enabled = true;
    return std::make_unique<ProductionCaller>(process, std::move(options));
}

std::unique_ptr<Caller> make_adaptive_limited(const Process& process) {
    ClientOptions options;
    const auto& faults = process.env.plan.faults;
    const auto window = std::ranges::find(faults, FaultKind::window, &Fault::kind);
    if (window != faults.end()) {
        options.rate_limit = {.requests = static_cast<std::int64_t>(window->value), .per = std::chrono::seconds(10)};
    }
    return std::make_unique<ProductionCaller>(process, std::move(options));
}

std::unique_ptr<Caller> make_weighted(const Process& process) { return with_strategy(process, Strategy::weighted); }
std::unique_ptr<Caller> make_round_robin(const Process& process) {
    return with_strategy(process, Strategy::round_robin);
}

}  // namespace holysheep::sim
