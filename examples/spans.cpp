// Prints every call and each of its attempts as a span, one JSON object per line on standard output. To export to a
// tracer, replace the lines that print. The names are those of OpenTelemetry's conventions for generative AI.
// HOLYSHEEP_API_KEY and HOLYSHEEP_REGIONS choose the gateway; without them, two simulated regions are used, the first
// of which fails.
#include <chrono>
#include <holysheep/holysheep.hpp>
#include <holysheep/json.hpp>
#include <holysheep/testing/gateway_simulator.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "arguments.hpp"

namespace {

std::string random_hex(int digits) {
    static std::mt19937_64 random{std::random_device{}()};
    std::string text;
    while (digits-- > 0) text += "0123456789abcdef"[random() % 16];
    return text;
}

class SpanWriter final : public holysheep::EventListener {
  public:
    void on_call(const holysheep::CallRecord& call) override {
        const auto end = std::chrono::system_clock::now().time_since_epoch();
        const auto start = end - call.total;
        const auto trace = random_hex(32);
        const auto parent = random_hex(16);
        write(trace, parent, {}, holysheep::gen_ai_span_name(call), start, start + call.total,
              holysheep::gen_ai_attributes(call));
        for (const auto& attempt : call.attempts) {
            const auto sent = start + attempt.started;
            write(trace, random_hex(16), parent, "attempt " + attempt.region, sent,
                  sent + attempt.timings.total.value_or(std::chrono::nanoseconds{}),
                  holysheep::gen_ai_attributes(attempt));
        }
    }

  private:
    using Time = std::chrono::nanoseconds;
    static void write(const std::string& trace, const std::string& id, const std::string& parent,
                      const std::string& name, Time start, Time end,
                      const std::vector<holysheep::Attribute>& attributes) {
        nlohmann::ordered_json span{{"traceId", trace},
                                    {"spanId", id},
                                    {"parentSpanId", parent},
                                    {"name", name},
                                    {"kind", "CLIENT"},
                                    {"startTimeUnixNano", start.count()},
                                    {"endTimeUnixNano", end.count()},
                                    {"attributes", nlohmann::ordered_json::object()}};
        for (const auto& [key, value] : attributes) {
            std::visit([&, &key = key](const auto& content) { span["attributes"][key] = content; }, value);
        }
        std::cout << span.dump() << '\n';
    }
};

}  // namespace

int main(int argc, char** argv) {
    check_arguments(argc, argv,
                    "usage: spans\nAsks one question and writes its attempts as spans, one JSON object a line. "
                    "HOLYSHEEP_API_KEY and\n"
                    "HOLYSHEEP_REGIONS select the gateway (calls are billed); without them, a simulated gateway.\n");
    auto options = holysheep::ClientOptions::from_environment();
    std::optional<holysheep::testing::GatewaySimulator> gateway;
    if (options.regions.empty() && options.api_key.empty()) {
        using Regions = std::vector<holysheep::testing::SimulatedRegion>;
        gateway.emplace(Regions{{.id = "us-west"}, {.id = "eu-central"}});
        gateway->set_fault("us-west", {.kind = holysheep::testing::Fault::Kind::status, .status = 503});
        options.api_key = "sk-simulated";
        options.regions = gateway->regions();
        options.regions[1].tier = 1;
    }
    options.listeners.push_back(std::make_shared<SpanWriter>());
    auto client = holysheep::Client::create(std::move(options));
    if (!client) {
        std::cerr << client.error() << '\n';
        return 1;
    }
    const auto reply = client->chat("gpt-4.1", "Which sheep gives the finest wool?");
    return reply ? 0 : 1;
}
