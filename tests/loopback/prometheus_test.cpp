// A real Prometheus collects the metrics and answers queries about them.
#include <holysheep/dashboard/server.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <regex>
#include <thread>

#include "child_process.hpp"
#include "gateway_under_test.hpp"
#include "http_exchange.hpp"
#include "scratch_folder.hpp"

namespace holysheep::loopback {
namespace {

using Json = nlohmann::json;

const std::string kToken = "wool-0123456789abcdef";

class Prometheus {
  public:
    explicit Prometheus(std::uint16_t port) {
        folder_.write("prometheus.yml",
                      "global: {scrape_interval: 100ms, scrape_timeout: 100ms}\nscrape_configs:\n"
                      "  - {job_name: sheep, authorization: {credentials: " +
                          kToken + "}, static_configs: [{targets: ['127.0.0.1:" + std::to_string(port) + "']}]}\n");
        process_ =
            bench::start_program({"prometheus", "--config.file=" + folder_.path("prometheus.yml"),
                                  "--storage.tsdb.path=" + folder_.path("data"), "--web.listen-address=127.0.0.1:0"},
                                 folder_.path("log"));
    }
    ~Prometheus() { bench::end_process(process_); }
    Prometheus(const Prometheus&) = delete;
    Prometheus& operator=(const Prometheus&) = delete;

    bool wait_until_ready() {
        return wait_until([this] {
            const auto log = folder_.read("log");
            std::smatch found;
            const std::regex listens("\"Listening on\" address=([0-9.:]+)");
            if (!std::regex_search(log, found, listens)) return false;
            address_ = found[1];
            return http("http://" + address_ + "/-/ready").status == 200;
        });
    }
    std::string log() const { return folder_.read("log"); }

    /// The value of an expression; NaN if it has none.
    double value(const std::string& expression) const {
        std::string escaped;
        for (const char c : expression) {
            std::array<char, 4> code{};
            std::snprintf(code.data(), code.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
            escaped += code.data();
        }
        const auto reply =
            Json::parse(http("http://" + address_ + "/api/v1/query?query=" + escaped).body, nullptr, false);
        if (reply.is_discarded() || reply["status"] != "success" || reply["data"]["result"].size() != 1) return NAN;
        return std::stod(reply["data"]["result"][0]["value"][1].get<std::string>());
    }
    bool becomes(const std::string& expression, double wanted) const {
        return wait_until([&] { return value(expression) == wanted; });
    }
    /// The error of its last collection; empty if there was none.
    std::string last_error() const {
        const auto targets = Json::parse(http("http://" + address_ + "/api/v1/targets").body)["data"]["activeTargets"];
        return targets.size() == 1 ? targets[0]["lastError"].get<std::string>() : targets.dump();
    }
    Json metadata(const std::string& metric) const {
        return Json::parse(http("http://" + address_ + "/api/v1/metadata?metric=" + metric).body)["data"][metric][0];
    }

  private:
    static bool wait_until(const std::function<bool()>& condition) {
        for (int i = 0; i < 600 && !condition(); ++i) std::this_thread::sleep_for(50ms);
        return condition();
    }

    ScratchFolder folder_;
    pid_t process_ = 0;
    std::string address_;
};

TEST_F(TwoRegions, PrometheusCollectsAndUnderstandsTheMetrics) {
    HOLYSHEEP_SKIP_WITHOUT_TOOL("prometheus");
    Client client(options);
    const DashboardServer server([&client] { return client.stats(); }, {.token = kToken});
    Prometheus prometheus(server.port());
    ASSERT_TRUE(prometheus.wait_until_ready()) << prometheus.log();
    ASSERT_TRUE(prometheus.becomes("up{job=\"sheep\"}", 1)) << prometheus.last_error();

    gateway.set_fault("us-west", {.kind = Kind::status, .status = 503, .times = 2});
    for (int i = 0; i < 5; ++i) ASSERT_THAT(client.chat(question()), IsOk());
    EXPECT_TRUE(prometheus.becomes("sum(holysheep_attempts_total)", 7));
    EXPECT_TRUE(prometheus.becomes("sum(holysheep_attempts_total{region=\"us-west\",result=\"error\"})", 2))
        << client.stats().to_prometheus();
    EXPECT_TRUE(prometheus.becomes("sum(holysheep_failovers_total{from=\"us-west\",to=\"eu-central\"})", 2));
    EXPECT_TRUE(prometheus.becomes("holysheep_failover_overhead_seconds_count", 2));
    const auto p99 = prometheus.value("histogram_quantile(0.99, holysheep_failover_overhead_seconds_bucket)");
    EXPECT_GT(p99, 0);
    EXPECT_LT(p99, 1) << "seconds";
    EXPECT_EQ(prometheus.last_error(), "");
    EXPECT_EQ(prometheus.metadata("holysheep_attempts_total")["type"], "counter");
    EXPECT_EQ(prometheus.metadata("holysheep_failover_overhead_seconds")["type"], "histogram");
    EXPECT_NE(prometheus.metadata("holysheep_breaker_state")["help"], "");
}

}  // namespace
}  // namespace holysheep::loopback
