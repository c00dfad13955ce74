// Validates client options. Each problem names the option, its value and the remedy.
#include "client/options_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <utility>

#include "accounting/token_counts.hpp"
#include "client/base_url.hpp"
#include "values/ascii.hpp"
#include "values/duration_text.hpp"

namespace holysheep::client {

namespace {

// A longer duration could overflow when added to the clock.
constexpr milliseconds kLongest = std::chrono::hours{262'800};
constexpr milliseconds kDay = std::chrono::hours{24};

/// Prints a number as the caller wrote it: "0.05", not "0.050000".
std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

std::string in_quotes(std::string_view text) { return "\"" + std::string(text.substr(0, 200)) + "\""; }

/// A URL for messages, without the part before '@', which may be a password.
std::string quoted_url(std::string_view url) {
    // Its query parameters may contain keys.
    if (const auto query = url.find('?'); query != std::string_view::npos) {
        return quoted_url(url.substr(0, query)) + " (and its query)";
    }
    const auto at = url.rfind('@');
    if (at == std::string_view::npos) return in_quotes(url);
    const auto scheme = url.find("://");
    const auto front = scheme != std::string_view::npos && scheme < at ? url.substr(0, scheme + 3) : std::string_view();
    return in_quotes(std::string(front) + "..." + std::string(url.substr(at)));
}

std::string replace_region(std::string url, const std::string& id) {
    constexpr std::string_view kPlace = "{region}";
    for (auto at = url.find(kPlace); at != std::string::npos; at = url.find(kPlace, at + id.size())) {
        url.replace(at, kPlace.size(), id);
    }
    return url;
}

bool is_id(std::string_view id) {
    return !id.empty() && std::ranges::all_of(id, [](char c) {
        return values::is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
    });
}

// RFC 9110, 5.6.2
bool is_token(std::string_view text) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return values::is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
    });
}

void check_file(std::string_view option, const std::string& path, Problems& problems) {
    if (!path.empty() && !std::ifstream(path)) problems.add(option, in_quotes(path) + " cannot be read");
}

void check_default_host_keys(const std::vector<std::string>& keys, Problems& problems) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (keys[i].empty() || keys[i].starts_with("sk-")) continue;  // empty keys are reported elsewhere
        problems.add("keys[" + std::to_string(i) + "]", "keys of " + std::string(kDefaultHost) +
                                                            " start with \"sk-\" and are registered at " +
                                                            std::string(kHomepage) + "; check which key this is");
    }
}

void check_regions(const ClientOptions& options, Problems& problems) {
    for (std::size_t i = 0; i < options.regions.size(); ++i) {
        const auto& region = options.regions[i];
        const auto name = "regions[" + std::to_string(i) + "]";
        if (!is_id(region.id)) {
            problems.add(name + ".id",
                         in_quotes(region.id) + " must be letters, digits, '-', '_' or '.', and not empty");
        }
        if (!(region.weight > 0) || !std::isfinite(region.weight)) {
            problems.add(name + ".weight",
                         number(region.weight) + " must be above 0; use tier to hold a region back, or drain() it");
        }
        if (has_control_characters(region.zone)) problems.add(name + ".zone", "holds control characters");
        check_key(name + ".api_key", region.api_key, problems);
        check_headers(region.headers, name + ".headers", problems);
        for (const auto& [from, to] : region.model_map) {
            if (to.empty() || has_control_characters(from) || has_control_characters(to)) {
                problems.add(name + ".model_map", in_quotes(from) + " must name a model, without control characters");
            }
        }
        const auto url = parse_base_url(region.base_url, options.tls.allow_plaintext);
        if (!url.parts) {
            problems.add(name + ".base_url", quoted_url(region.base_url) + ": " + url.problem);
        } else if (url.parts->host == kDefaultHost) {
            const bool several = region.api_key.empty() && (options.key_source || !options.keys.empty());
            const auto& key = region.api_key.empty() ? options.api_key : region.api_key;
            if (several) {
                check_default_host_keys(options.keys, problems);
            } else if (key.empty()) {
                problems.add("api_key", "it is empty; register one at " + std::string(kHomepage) +
                                            " and set HOLYSHEEP_API_KEY or ClientOptions::api_key");
            } else if (!key.starts_with("sk-")) {
                problems.add("api_key", "keys of " + std::string(kDefaultHost) +
                                            " start with \"sk-\" and are registered at " + std::string(kHomepage) +
                                            "; check which key this is");
            }
        }
        for (std::size_t k = 0; k < i; ++k) {
            const auto& other = options.regions[k];
            // In an allow list, the name would be ambiguous.
            for (const auto* pair : {&region, &other}) {
                const auto& zoned = pair == &region ? other : region;
                if (!zoned.zone.empty() && zoned.zone == pair->id) {
                    problems.add(name + ".zone", in_quotes(pair->id) + " is the id of one region and the zone of " +
                                                     in_quotes(zoned.id) +
                                                     ": in CallOptions::regions it could mean either; rename one");
                }
            }
            if (other.id == region.id)
                problems.add(name + ".id", in_quotes(region.id) + " is used twice; ids must be unique");
            if (other.base_url == region.base_url && other.headers == region.headers) {
                problems.add(name + ".base_url",
                             "regions " + in_quotes(other.id) + " and " + in_quotes(region.id) +
                                 " have the same URL and headers, so they cannot fail independently; give each its own "
                                 "base_url, or put {region} into ClientOptions::base_url");
            }
        }
    }
}

void check_selector(const SelectorOptions& selector, Problems& problems) {
    const double exponent = selector.latency_exponent;
    if (!(exponent >= 0 && exponent <= 100)) {
        problems.add("selector.latency_exponent",
                     number(exponent) + " must be between 0 (exactly the weights) and 100");
    } else if (exponent != 0 && selector.strategy != Strategy::weighted) {
        problems.add("selector.latency_exponent",
                     number(exponent) + " steers nothing but Strategy::weighted; choose that, or leave it 0");
    }
}

/// Options of one kind of probe have no effect with another kind, so they are refused.
void check_probe_kind(const HealthOptions& health, Problems& problems) {
    using enum HealthOptions::Probe;
    const bool wants_path = health.probe == head || health.probe == path;
    if (wants_path && !is_request_path(health.path)) {
        problems.add("health.path",
                     in_quotes(health.path) +
                         " must begin with one '/', percent-encoded, because health.probe asks for that path");
    } else if (!wants_path && !health.path.empty()) {
        problems.add("health.path", in_quotes(health.path) +
                                        " is asked for by Probe::head and Probe::path only; choose one of them in "
                                        "health.probe, or leave it empty");
    }
    if (has_control_characters(health.model)) {
        problems.add("health.model", "it holds control characters");
    } else if (health.probe == completion && health.model.empty()) {
        problems.add("health.model", "it is empty; name the model that Probe::completion asks");
    } else if (health.probe != completion && !health.model.empty()) {
        problems.add("health.model",
                     in_quotes(health.model) +
                         " is asked by Probe::completion only; choose that in health.probe, or leave it empty");
    }
}

void check_health(const HealthOptions& health, Problems& problems) {
    const auto period = [&](std::string_view name, milliseconds value) {
        if (value.count() > 0 && value <= kDay) return;
        problems.add("health." + std::string(name),
                     values::milliseconds_text(value) +
                         " must be above 0, at most 24 h; health.enabled = false turns probes off");
    };
    period("interval", health.interval);
    period("unhealthy_interval", health.unhealthy_interval);
    period("timeout", health.timeout);
    if (health.sign_of_life.count() < 0 || health.sign_of_life > kDay) {
        problems.add("health.sign_of_life", values::milliseconds_text(health.sign_of_life) +
                                                " must be 0 (never asked for) or more, at most 24 h");
    }
    if (health.completion_tokens_per_hour < 0) {
        problems.add("health.completion_tokens_per_hour",
                     std::to_string(health.completion_tokens_per_hour) + " must be 0 (none) or more");
    }
    check_probe_kind(health, problems);
}

void check_breaker(const BreakerOptions& breaker, Problems& problems) {
    const auto count = [&](std::string_view name, int value) {
        if (value >= 1) return;
        problems.add("breaker." + std::string(name),
                     std::to_string(value) + " must be 1 or more; breaker.enabled = false turns the breaker off");
    };
    count("transport_failures", breaker.transport_failures);
    count("gateway_failures", breaker.gateway_failures);
    count("failures", breaker.failures);
    count("min_calls", breaker.min_calls);
    count("half_open_successes", breaker.half_open_successes);
    if (!(breaker.failure_rate > 0 && breaker.failure_rate <= 1)) {
        problems.add("breaker.failure_rate",
                     number(breaker.failure_rate) + " must be above 0, at most 1 (every attempt of the window failed)");
    }
    if (breaker.window.count() <= 0 || breaker.window > std::chrono::hours{1}) {
        problems.add("breaker.window", values::milliseconds_text(breaker.window) + " must be above 0, at most 1 h");
    }
    const auto open_time = [&](std::string_view name, milliseconds value) {
        if (value.count() > 0 && value <= kDay) return;
        problems.add("breaker." + std::string(name),
                     values::milliseconds_text(value) +
                         " must be above 0, at most 24 h; Client::drain keeps a region out for longer");
    };
    open_time("open_for", breaker.open_for);
    if (!breaker.max_open_for) return;
    open_time("max_open_for", *breaker.max_open_for);
    if (*breaker.max_open_for < breaker.open_for) {
        problems.add("breaker.max_open_for",
                     values::milliseconds_text(*breaker.max_open_for) + " is below breaker.open_for, " +
                         values::milliseconds_text(breaker.open_for) + "; set it to that or more");
    }
}

void check_hedging(const HedgingOptions& hedging, Problems& problems) {
    if (!(hedging.ratio >= 0 && hedging.ratio <= 1)) {
        problems.add("hedging.ratio", number(hedging.ratio) + " must be between 0 and 1");
    }
    if (hedging.min_delay.count() < 0 || hedging.min_delay > kLongest) {
        problems.add("hedging.min_delay",
                     values::milliseconds_text(hedging.min_delay) + " must not be negative, and at most 30 years");
    }
    if (hedging.max_prompt_tokens < 0) {
        problems.add("hedging.max_prompt_tokens", std::to_string(hedging.max_prompt_tokens) +
                                                      " must not be negative; hedging.enabled = false turns it off");
    }
}

}  // namespace

Error Problems::to_error(std::string_view what) const {
    Error error{.code = ErrorCode::invalid_options, .message = std::string(what)};
    for (std::size_t i = 0; i < list_.size(); ++i) error.message += (i == 0 ? ": " : "; ") + list_[i];
    return error;
}

bool has_control_characters(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_request_path(std::string_view text) {
    return text.starts_with('/') && !text.starts_with("//") &&
           std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

void normalise(ClientOptions& options) {
    options.api_key = values::trim(options.api_key);
    for (auto& key : options.keys) key = values::trim(key);
    if (options.base_url.empty()) options.base_url = kDefaultBaseUrl;
    if (options.regions.empty()) options.regions.push_back({.id = "default"});
    for (auto& region : options.regions) {
        region.api_key = values::trim(region.api_key);
        if (region.base_url.empty()) region.base_url = options.base_url;
        region.base_url = replace_region(std::move(region.base_url), region.id);
    }
}

void check_key(std::string_view option, std::string_view key, Problems& problems) {
    if (std::ranges::any_of(key, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; })) {
        problems.add(option,
                     "the key holds white space, control or non-ASCII characters; copy it again, without quotes");
    }
}

void check_headers(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view option,
                   Problems& problems) {
    for (const auto& [name, value] : headers) {
        if (!is_token(name)) {
            problems.add(option, in_quotes(name) + " is not a header name (RFC 9110, 5.6.2)");
            continue;
        }
        const auto lower = values::lower(name);
        if (lower == "content-length" || lower == "transfer-encoding" || lower == "connection") {
            problems.add(option, in_quotes(name) + " belongs to the transport and cannot be set");
        }
        if (has_control_characters(value)) {
            problems.add(option, "the value of " + in_quotes(name) +
                                     " holds control characters; a line break would start a new header");
        }
    }
}

void check_retry(const RetryOptions& retry, std::string_view prefix, Problems& problems) {
    const std::string at(prefix);
    if (retry.max_attempts < 0)
        problems.add(at + "max_attempts", std::to_string(retry.max_attempts) + " must be 0 (default) or more");
    const auto span = [&](std::string_view name, milliseconds value) {
        if (value.count() < 0 || value > kLongest)
            problems.add(at + std::string(name),
                         values::milliseconds_text(value) + " must not be negative, and at most 30 years");
    };
    span("initial_backoff", retry.initial_backoff);
    span("throttle_backoff", retry.throttle_backoff);
    span("max_backoff", retry.max_backoff);
    span("max_wait", retry.max_wait);
    span("outage_patience", retry.outage_patience);
    span("fallback_after", retry.fallback_after);
    if (!(retry.budget_ratio >= 0 && retry.budget_ratio <= 1)) {
        problems.add(at + "budget_ratio", number(retry.budget_ratio) + " must be between 0 and 1");
    }
    if (retry.budget_capacity < 0)
        problems.add(at + "budget_capacity", std::to_string(retry.budget_capacity) + " must not be negative");
}

void check_timeouts(const TimeoutOptions& timeouts, std::string_view prefix, Problems& problems) {
    const auto span = [&](std::string_view name, milliseconds value) {
        if (value.count() < 0 || value > kLongest) {
            problems.add(std::string(prefix) + std::string(name),
                         values::milliseconds_text(value) + " must be 0 (default rule) or more, at most 30 years");
        }
    };
    span("connect", timeouts.connect);
    span("first_byte", timeouts.first_byte);
    span("first_content", timeouts.first_content);
    span("stall", timeouts.stall);
    span("attempt", timeouts.attempt);
    if (timeouts.total) span("total", *timeouts.total);
    span("unread", timeouts.unread);
}

void check(const ClientOptions& options, Problems& problems) {
    check_key("api_key", options.api_key, problems);
    check_regions(options, problems);
    check_headers(options.headers, "headers", problems);
    check_selector(options.selector, problems);
    check_health(options.health, problems);
    check_breaker(options.breaker, problems);
    check_hedging(options.hedging, problems);
    check_limits(options, problems);
    check_retry(options.retry, "retry.", problems);
    check_timeouts(options.timeouts, "timeouts.", problems);
    if (options.max_connection_age.count() < 0 || options.max_connection_age > kLongest) {
        problems.add("max_connection_age", values::milliseconds_text(options.max_connection_age) +
                                               " must be 0 (no limit) or more, at most 30 years");
    }

    constexpr int kMaxHistory = 100'000;
    const auto queue = [&](std::string_view name, int most) {
        if (most < 1) problems.add(name, std::to_string(most) + " must be at least 1");
    };
    queue("queues.callbacks", options.queues.callbacks);
    queue("queues.listener_records", options.queues.listener_records);
    if (options.stats.history < 0 || options.stats.history > kMaxHistory) {
        problems.add("stats.history",
                     std::to_string(options.stats.history) + " attempts per region cannot be kept; use 0 to 100000");
    }
    check_file("tls.ca_file", options.tls.ca_file, problems);
    check_file("tls.client_certificate", options.tls.client_certificate, problems);
    check_file("tls.client_key", options.tls.client_key, problems);
    if (!options.tls.ca_file.empty() && !options.tls.ca_blob.empty()) {
        problems.add("tls.ca_blob", "tls.ca_file is set too; each replaces the system's certificates, so set one");
    }
    if (!options.tls.ca_blob.empty() && options.tls.ca_blob.find("-----BEGIN") == std::string::npos) {
        problems.add(
            "tls.ca_blob",
            "it holds no PEM certificate (\"-----BEGIN CERTIFICATE-----\"); for a file's path use tls.ca_file");
    }
    if (!options.tls.client_key.empty() && options.tls.client_certificate.empty()) {
        problems.add("tls.client_key", "it needs tls.client_certificate beside it");
    }
    const auto& proxy = options.proxy;
    if (proxy.url.empty() && !(proxy.user.empty() && proxy.password.empty())) {
        problems.add("proxy.user", "credentials need proxy.url; a proxy from the environment carries its own");
    }
    if (has_control_characters(proxy.url) || has_control_characters(proxy.user) ||
        has_control_characters(proxy.password)) {
        problems.add("proxy", "it holds control characters");
    } else if (proxy.url.find('@') != std::string::npos) {
        problems.add("proxy.url", "it holds credentials; use proxy.user and proxy.password");
    } else if (!proxy.url.empty()) {
        const auto scheme = proxy.url.substr(0, proxy.url.find("://"));
        if (scheme != "http" && scheme != "https" && scheme != "socks4" && scheme != "socks4a" && scheme != "socks5" &&
            scheme != "socks5h") {
            problems.add("proxy.url", in_quotes(proxy.url) +
                                          " must start with http://, https://, socks4://, "
                                          "socks4a://, socks5:// or socks5h://");
        }
    }
    if ((options.transport == nullptr) != (options.clock == nullptr)) {
        problems.add(options.transport ? "transport" : "clock",
                     "transport and clock go together: a transport reports on the clock's thread; set both or neither");
    }
    for (const auto& [name, traits] : options.models) {
        const auto fault = traits.price ? accounting::fault_of(*traits.price) : std::string_view{};
        if (!fault.empty()) problems.add("models[" + in_quotes(name) + "].price", std::string(fault));
    }
    if (std::ranges::any_of(options.listeners, [](const auto& listener) { return listener == nullptr; })) {
        problems.add("listeners", "one of them is null");
    }
}

}  // namespace holysheep::client
