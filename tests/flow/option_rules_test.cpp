// Validation of client options: each message names the option and the remedy, and all problems are reported at once.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Creates a client from valid options on fakes after `change` was applied.
template <class Change>
Result<Client> create_with(Change change) {
    const auto clock = std::make_shared<FakeClock>();
    ClientOptions options{.api_key = "sk-abc",
                          .base_url = "https://gateway.test/{region}/v1",
                          .regions = {{.id = "a"}, {.id = "b"}},
                          .transport = std::make_shared<FakeTransport>(*clock),
                          .clock = clock};
    change(options);
    return Client::create(std::move(options));
}

using O = ClientOptions;

TEST(OptionRules, ValidOptionsPass) {
    EXPECT_THAT(create_with([](O&) {}), IsOk());
}

TEST(OptionRules, EachErrorNamesItsOption) {
    struct Row {
        std::function<void(O&)> change;
        const char* named;
    };
    const Row rows[] = {
        {[](O& o) { o.api_key = "sk-a b"; }, "api_key: the key holds"},
        {[](O& o) { o.api_key = "sk-\x01"; }, "api_key: the key holds"},
        {[](O& o) { o.api_key = "sk-\xC3\xA4"; }, "api_key: the key holds"},
        {[](O& o) { o.regions[1].api_key = "a\tb"; }, "regions[1].api_key"},
        {[](O& o) { o.regions[0].id = ""; }, "regions[0].id"},
        {[](O& o) { o.regions[0].id = "a/b"; }, "regions[0].id: \"a/b\""},
        {[](O& o) { o.regions[1].id = "a"; }, "used twice"},
        {[](O& o) { o.regions[1].weight = 0; }, "regions[1].weight"},
        {[](O& o) { o.regions[1].weight = -1; }, "regions[1].weight"},
        {[](O& o) { o.regions[1].weight = std::numeric_limits<double>::infinity(); }, "regions[1].weight"},
        {[](O& o) { o.regions[1].weight = std::numeric_limits<double>::quiet_NaN(); }, "regions[1].weight"},
        {[](O& o) { o.regions[1].zone = "e\nu"; }, "regions[1].zone"},
        {[](O& o) {
             o.regions[1].headers = {{"a:b", "c"}};
         },
         "regions[1].headers"},
        {[](O& o) {
             o.regions[1].model_map = {{"m", ""}};
         },
         "regions[1].model_map"},
        {[](O& o) {
             o.regions[1].model_map = {{"m", "a\nb"}};
         },
         "regions[1].model_map"},
        {[](O& o) { o.base_url = "https://gateway.test/v1"; }, "cannot fail independently"},
        {[](O& o) { o.regions[0].base_url = "gateway.test/v1"; }, "no scheme"},
        {[](O& o) { o.regions[0].base_url = "ftp://gateway.test"; }, "only https://"},
        {[](O& o) { o.regions[0].base_url = "https://"; }, "no host"},
        {[](O& o) { o.regions[0].base_url = "https://a b.test"; }, "white space"},
        {[](O& o) { o.regions[0].base_url = "https://a.test/#x"; }, "fragment"},
        {[](O& o) { o.regions[0].base_url = "https://u:p@a.test"; }, "credentials"},
        {[](O& o) { o.regions[0].base_url = "https://a.test:99999"; }, "port"},
        {[](O& o) { o.regions[0].base_url = "https://a.test:"; }, "port"},
        {[](O& o) { o.regions[0].base_url = "https://[::1"; }, "bracket"},
        {[](O& o) { o.regions[0].base_url = "http://a.test/v1"; }, "allow_plaintext"},
        {[](O& o) { o.regions = {{.id = "x", .base_url = "https://api.holysheep.ai/v1"}}, o.api_key = ""; },
         "HOLYSHEEP_API_KEY"},
        {[](O& o) { o.regions = {{.id = "x", .base_url = "https://API.holysheep.ai/v1"}}, o.api_key = "pk-1"; }, "sk-"},
        {[](O& o) {
             o.headers = {{"", "x"}};
         },
         "headers"},
        {[](O& o) {
             o.headers = {{"X-A", "a\nb"}};
         },
         "headers"},
        {[](O& o) {
             o.headers = {{"transfer-ENCODING", "chunked"}};
         },
         "belongs to the transport"},
        {[](O& o) { o.retry.max_attempts = -1; }, "retry.max_attempts"},
        {[](O& o) { o.retry.initial_backoff = -1ms; }, "retry.initial_backoff"},
        {[](O& o) { o.retry.throttle_backoff = -1ms; }, "retry.throttle_backoff"},
        {[](O& o) { o.retry.max_backoff = -1ms; }, "retry.max_backoff"},
        {[](O& o) { o.retry.max_wait = -1ms; }, "retry.max_wait"},
        {[](O& o) { o.retry.outage_patience = -1ms; }, "retry.outage_patience"},
        {[](O& o) { o.retry.fallback_after = -1ms; }, "retry.fallback_after"},
        {[](O& o) { o.retry.budget_ratio = 1.5; }, "retry.budget_ratio"},
        {[](O& o) { o.retry.budget_ratio = std::numeric_limits<double>::quiet_NaN(); }, "retry.budget_ratio"},
        {[](O& o) { o.retry.budget_capacity = -1; }, "retry.budget_capacity"},
        {[](O& o) { o.retry.max_wait = milliseconds::max(); }, "retry.max_wait"},
        {[](O& o) { o.retry.max_backoff = milliseconds::max(); }, "retry.max_backoff"},
        {[](O& o) { o.retry.initial_backoff = milliseconds::max(); }, "retry.initial_backoff"},
        {[](O& o) { o.retry.throttle_backoff = milliseconds::max(); }, "retry.throttle_backoff"},
        {[](O& o) {
             o.selector = {Strategy::weighted, -1};
         },
         "selector.latency_exponent: -1 must"},
        {[](O& o) {
             o.selector = {Strategy::weighted, 101};
         },
         "selector.latency_exponent: 101 must"},
        {[](O& o) {
             o.selector = {Strategy::weighted, std::numeric_limits<double>::quiet_NaN()};
         },
         "selector.latency_exponent"},
        {[](O& o) { o.selector.latency_exponent = 8; }, "selector.latency_exponent: 8 steers nothing"},
        {[](O& o) { o.health.interval = 0ms; }, "health.interval: 0 ms must be above 0"},
        {[](O& o) { o.health.interval = 25h; }, "health.interval"},
        {[](O& o) { o.health.unhealthy_interval = -1ms; }, "health.unhealthy_interval"},
        {[](O& o) { o.health.timeout = 0ms; }, "health.timeout"},
        {[](O& o) { o.health.timeout = milliseconds::max(); }, "health.timeout"},
        {[](O& o) { o.health.sign_of_life = -1ms; }, "health.sign_of_life"},
        {[](O& o) { o.health.sign_of_life = 25h; }, "health.sign_of_life"},
        {[](O& o) { o.health.completion_tokens_per_hour = -1; }, "health.completion_tokens_per_hour"},
        {[](O& o) { o.health.probe = HealthOptions::Probe::head; }, "health.path: \"\" must begin"},
        {[](O& o) { o.stats.history = -1; }, "stats.history: -1"},
        {[](O& o) { o.stats.history = 100'001; }, "stats.history: 100001"},
        {[](O& o) { o.health.probe = HealthOptions::Probe::path, o.health.path = "health"; },
         "health.path: \"health\" must"},
        {[](O& o) { o.health.probe = HealthOptions::Probe::path, o.health.path = "/a b"; }, "health.path"},
        {[](O& o) { o.health.path = "/health"; }, "health.path: \"/health\" is asked for by"},
        {[](O& o) { o.health.probe = HealthOptions::Probe::completion; }, "health.model: it is empty"},
        {[](O& o) { o.health.probe = HealthOptions::Probe::completion, o.health.model = "a\nb"; }, "health.model"},
        {[](O& o) { o.health.model = "m"; }, "health.model: \"m\" is asked by"},
        {[](O& o) { o.breaker.transport_failures = 0; }, "breaker.transport_failures: 0 must"},
        {[](O& o) { o.breaker.gateway_failures = 0; }, "breaker.gateway_failures"},
        {[](O& o) { o.breaker.failures = 0; }, "breaker.failures"},
        {[](O& o) { o.breaker.min_calls = 0; }, "breaker.min_calls"},
        {[](O& o) { o.breaker.half_open_successes = 0; }, "breaker.half_open_successes"},
        {[](O& o) { o.breaker.failure_rate = 0; }, "breaker.failure_rate"},
        {[](O& o) { o.breaker.failure_rate = 1.01; }, "breaker.failure_rate: 1.01 must"},
        {[](O& o) { o.breaker.failure_rate = std::numeric_limits<double>::quiet_NaN(); }, "breaker.failure_rate"},
        {[](O& o) { o.breaker.window = 0ms; }, "breaker.window"},
        {[](O& o) { o.breaker.window = 61min; }, "breaker.window"},
        {[](O& o) { o.breaker.open_for = 0ms; }, "breaker.open_for"},
        {[](O& o) { o.breaker.open_for = 25h; }, "breaker.open_for"},
        {[](O& o) { o.breaker.max_open_for = 0ms; }, "breaker.max_open_for"},
        {[](O& o) { o.breaker.max_open_for = 1s; }, "breaker.max_open_for: 1000 ms is below breaker.open_for, 2000"},
        {[](O& o) { o.hedging.ratio = -0.1; }, "hedging.ratio: -0.1 must"},
        {[](O& o) { o.hedging.ratio = 1.1; }, "hedging.ratio"},
        {[](O& o) { o.hedging.ratio = std::numeric_limits<double>::quiet_NaN(); }, "hedging.ratio"},
        {[](O& o) { o.hedging.min_delay = -1ms; }, "hedging.min_delay"},
        {[](O& o) { o.hedging.min_delay = milliseconds::max(); }, "hedging.min_delay"},
        {[](O& o) { o.hedging.max_prompt_tokens = -1; }, "hedging.max_prompt_tokens"},
        {[](O& o) { o.models["m"].price = ModelPrice{.per_tokens = 0}; }, "models[\"m\"].price: per_tokens must be"},
        {[](O& o) { o.models["m"].price = ModelPrice{.cached_input = Money{-1}}; }, "an amount is below 0"},
        {[](O& o) {
             o.models["m"].price = ModelPrice{.tiers = {{.output = {1, "EUR"}}}};
         },
         "several currencies"},
        {[](O& o) { o.timeouts.connect = -1ms; }, "timeouts.connect"},
        {[](O& o) { o.timeouts.first_byte = -1ms; }, "timeouts.first_byte"},
        {[](O& o) { o.timeouts.first_content = -1ms; }, "timeouts.first_content"},
        {[](O& o) { o.timeouts.stall = -1ms; }, "timeouts.stall"},
        {[](O& o) { o.timeouts.attempt = -1ms; }, "timeouts.attempt"},
        {[](O& o) { o.timeouts.total = -1ms; }, "timeouts.total"},
        {[](O& o) { o.timeouts.total = milliseconds::max(); }, "timeouts.total"},
        {[](O& o) { o.tls.ca_file = "/no/such/file.pem"; }, "tls.ca_file"},
        {[](O& o) { o.tls.client_certificate = "/no/such/file.pem"; }, "tls.client_certificate"},
        {[](O& o) { o.tls.client_key = "/no/such/file.pem"; }, "tls.client_key"},
        {[](O& o) { o.tls.ca_file = "/dev/null", o.tls.ca_blob = "-----BEGIN"; }, "tls.ca_blob"},
        {[](O& o) { o.tls.ca_blob = "/etc/ssl/ca.pem"; }, "tls.ca_blob"},
        {[](O& o) { o.tls.client_key = "/dev/null"; }, "tls.client_certificate beside it"},
        {[](O& o) { o.proxy.user = "me"; }, "proxy.user"},
        {[](O& o) { o.proxy.password = "secret"; }, "proxy.user"},
        {[](O& o) { o.proxy.url = "http://pro\nxy"; }, "proxy: it holds control"},
        {[](O& o) { o.proxy.url = "http://me:secret@proxy"; }, "proxy.url: it holds credentials"},
        {[](O& o) { o.proxy.url = "proxy:3128"; }, "proxy.url"},
        {[](O& o) { o.clock = nullptr; }, "transport and clock go together"},
        {[](O& o) { o.transport = nullptr; }, "transport and clock go together"},
        {[](O& o) { o.listeners = {nullptr}; }, "listeners"},
    };
    for (const auto& row : rows) {
        const auto client = create_with(row.change);
        ASSERT_FALSE(client) << row.named;
        EXPECT_EQ(client.error().code, ErrorCode::invalid_options);
        EXPECT_THAT(client.error().message, HasSubstr(row.named));
        EXPECT_FALSE(client.error().is_retryable());
    }
}

TEST(OptionRules, AllowedValuesPass) {
    const std::function<void(O&)> changes[] = {
        [](O& o) { o.api_key = "  sk-abc\n"; },
        [](O& o) { o.api_key = ""; },
        [](O& o) { o.regions[0].id = "Us_West-2.eu"; },
        [](O& o) { o.regions[0].base_url = "http://127.0.0.1:8080/v1"; },
        [](O& o) { o.regions[0].base_url = "http://localhost/v1"; },
        [](O& o) { o.regions[0].base_url = "http://[::1]:80"; },
        [](O& o) { o.regions[0].base_url = "HTTPS://A.test/v1/?key=1"; },
        [](O& o) { o.regions[0].base_url = "http://a.test", o.tls.allow_plaintext = true; },
        [](O& o) {
            o.base_url = "https://gateway.test", o.regions[0].headers = {{"X-Region", "a"}};
        },
        [](O& o) {
            o.retry = {
                .max_attempts = 1, .initial_backoff = 0ms, .max_wait = 0ms, .budget_ratio = 0, .budget_capacity = 0};
        },
        [](O& o) { o.timeouts = {.connect = 0ms, .total = 0ms}; },
        [](O& o) { o.proxy = {.url = "socks5h://proxy:1080", .user = "me", .password = "secret"}; },
        [](O& o) { o.regions.clear(); },
        [](O& o) {
            o.selector = {Strategy::weighted, 100};
        },
        [](O& o) {
            o.health = {
                .enabled = false, .interval = 1ms, .unhealthy_interval = 24h, .timeout = 1ms, .sign_of_life = 0ms};
        },
        [](O& o) { o.health.probe = HealthOptions::Probe::head, o.health.path = "/"; },
        [](O& o) { o.health.probe = HealthOptions::Probe::path, o.health.path = "/health?deep=1"; },
        [](O& o) {
            o.health.probe = HealthOptions::Probe::completion, o.health.model = "m";
            o.health.completion_tokens_per_hour = 0;
        },
        [](O& o) { o.breaker = {.failures = 2, .open_for = 60s}; },
        [](O& o) { o.breaker = {.failure_rate = 1, .window = 1h, .open_for = 1ms, .max_open_for = 1ms}; },
        [](O& o) { o.hedging = {.enabled = true, .ratio = 0, .min_delay = 0ms, .max_prompt_tokens = 0}; },
    };
    int i = 0;
    for (const auto& change : changes) {
        EXPECT_THAT(create_with(change), IsOk()) << "change " << i;
        ++i;
    }
}

TEST(OptionRules, AllProblemsAreReportedAtOnce) {
    const auto client = create_with([](O& o) {
        o.api_key = "a b";
        o.regions[0].weight = -1;
        o.headers = {{"a b", "c"}};
        o.selector.latency_exponent = -1;
        o.health.interval = 0ms;
        o.breaker.failures = 0;
        o.hedging.ratio = 2;
        o.retry.max_attempts = -1;
        o.timeouts.stall = -1ms;
        o.tls.ca_file = "/no/such/file";
        o.proxy.url = "gopher://x";
        o.listeners = {nullptr};
    });
    ASSERT_FALSE(client);
    EXPECT_THAT(client.error().message,
                AllOf(HasSubstr("api_key"), HasSubstr("weight"), HasSubstr("headers"), HasSubstr("max_attempts"),
                      HasSubstr("selector."), HasSubstr("health."), HasSubstr("breaker."), HasSubstr("hedging."),
                      HasSubstr("stall"), HasSubstr("ca_file"), HasSubstr("proxy.url"), HasSubstr("listeners")));
}

TEST(OptionRules, SecretsAreNotQuoted) {
    const auto client = create_with([](O& o) {
        o.api_key = "sk-very secret";
        o.proxy.url = "http://me:letmein9@proxy";
        o.headers = {{"Cookie", "session\nsecret77"}};
    });
    ASSERT_FALSE(client);
    for (const auto* secret : {"very secret", "letmein9", "secret77"}) {
        EXPECT_THAT(client.error().message, Not(HasSubstr(secret)));
    }
}

TEST(OptionRules, CredentialsWithinAUrlAreNotQuoted) {
    const auto client = create_with([](O& o) { o.regions[0].base_url = "https://user:hunter22@a.test"; });
    ASSERT_FALSE(client);
    EXPECT_THAT(client.error().message, Not(HasSubstr("hunter22")));
}

}  // namespace
}  // namespace holysheep::flow
