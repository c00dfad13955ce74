// Repeats a schedule of incidents; the gateway itself comes from the test kit.
#include "demo.hpp"

#include <utility>

using namespace std::chrono_literals;
using holysheep::testing::Fault;

namespace {

struct Incident {
    std::chrono::seconds at;
    const char* region;
    Fault fault;
    const char* description;
};

constexpr std::chrono::seconds kCycle = 40s;

const std::vector<Incident>& incidents() {
    static const std::vector<Incident> list{
        {2s, "us-west", {.kind = Fault::Kind::refuse}, "us-west refuses connections"},
        {8s, "us-west", {}, "us-west is back"},
        {14s, "us-west", {.kind = Fault::Kind::status, .status = 503, .share = 0.3}, "us-west fails three of ten"},
        {19s, "us-west", {}, "us-west has recovered"},
        {23s, "eu-central", {.kind = Fault::Kind::reset_mid_stream}, "eu-central cuts its streams"},
        {27s, "eu-central", {}, "eu-central has recovered"},
        {30s, "us-west", {.kind = Fault::Kind::hang}, "us-west accepts requests and does not answer"},
        {35s, "us-west", {}, "us-west answers again"}};
    return list;
}

std::vector<holysheep::testing::SimulatedRegion> simulated_regions() {
    return {{.id = "us-west", .latency = 90ms, .between_chunks = 5ms},
            {.id = "eu-central", .latency = 140ms, .between_chunks = 5ms},
            {.id = "ap-southeast", .latency = 230ms, .between_chunks = 5ms}};
}

}  // namespace

Demo::Demo() : gateway_(simulated_regions(), {.record = false}) {}

holysheep::ClientOptions Demo::options() const { return {.api_key = "sk-simulated", .regions = gateway_.regions()}; }

std::string Demo::play(std::chrono::steady_clock::duration since_start) {
    if (next_ == incidents().size()) {
        next_ = 0;
        cycle_start_ += kCycle;
    }
    const auto& incident = incidents()[next_];
    if (since_start < cycle_start_ + incident.at) return {};
    ++next_;
    gateway_.set_fault(incident.region, incident.fault);
    return incident.description;
}

std::string Demo::break_only(const std::string& region) {
    if (!broken_.empty()) gateway_.set_fault(broken_, {});
    broken_ = region;
    gateway_.set_fault(region, {.kind = Fault::Kind::refuse});
    return region + " refuses connections";
}

void ask(holysheep::Client& client, int number) {
    const holysheep::ChatRequest request{.model = number % 4 == 0 ? "deepseek-v3.2" : "gpt-4.1",
                                         .messages = {holysheep::user("Say baa.")},
                                         .max_tokens = 8,
                                         .include_usage = true};
    client.stream_async(
        request, {.stream_recovery = holysheep::StreamRecovery::restart}, [](const auto& /*chunk*/) {},
        [](const auto& /*reply*/) {});
}
