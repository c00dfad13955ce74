// The rules for client options. Each names the option, what is wrong with its value, and what helps.
#include "client/options_check.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <utility>

#include "client/base_url.hpp"

namespace holysheep::client {

namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n\v\f";
    const auto first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string quoted(std::string_view text) { return "\"" + std::string(text.substr(0, 200)) + "\""; }

/// A URL in a message: what may be a password in front of its '@' is left out.
std::string quoted_url(std::string_view url) {
    const auto at = url.rfind('@');
    if (at == std::string_view::npos) return quoted(url);
    const auto scheme = url.find("://");
    const auto front = scheme != std::string_view::npos && scheme < at ? url.substr(0, scheme + 3) : std::string_view();
    return quoted(std::string(front) + "..." + std::string(url.substr(at)));
}

std::string replace_region(std::string url, const std::string& id) {
    constexpr std::string_view kPlace = "{region}";
    for (auto at = url.find(kPlace); at != std::string::npos; at = url.find(kPlace, at + id.size())) {
        url.replace(at, kPlace.size(), id);
    }
    return url;
}

bool is_id(std::string_view id) {
    return !id.empty() && std::ranges::all_of(id, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
    });
}

// RFC 9110, 5.6.2
bool is_token(std::string_view text) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](unsigned char c) {
        return (c < 0x80 && std::isalnum(c) != 0) || kMarks.find(static_cast<char>(c)) != std::string_view::npos;
    });
}

void check_key(std::string_view option, std::string_view key, Problems& problems) {
    if (std::ranges::any_of(key, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; })) {
        problems.add(option,
                     "the key holds white space, control or non-ASCII characters; copy it again, without quotes");
    }
}

void check_file(std::string_view option, const std::string& path, Problems& problems) {
    if (!path.empty() && !std::ifstream(path)) problems.add(option, quoted(path) + " cannot be read");
}

void check_regions(const ClientOptions& options, Problems& problems) {
    for (std::size_t i = 0; i < options.regions.size(); ++i) {
        const auto& region = options.regions[i];
        const auto name = "regions[" + std::to_string(i) + "]";
        if (!is_id(region.id)) {
            problems.add(name + ".id", quoted(region.id) + " must be letters, digits, '-', '_' or '.', and not empty");
        }
        if (!(region.weight > 0) || !std::isfinite(region.weight)) {
            problems.add(name + ".weight", std::to_string(region.weight) +
                                               " must be above 0; use priority to hold a region back, or drain() it");
        }
        if (has_control_characters(region.zone)) problems.add(name + ".zone", "holds control characters");
        check_key(name + ".api_key", region.api_key, problems);
        check_headers(region.headers, name + ".headers", problems);
        for (const auto& [from, to] : region.model_map) {
            if (to.empty() || has_control_characters(from) || has_control_characters(to)) {
                problems.add(name + ".model_map", quoted(from) + " must name a model, without control characters");
            }
        }
        const auto url = parse_base_url(region.base_url, options.tls.allow_plaintext);
        if (!url.parts) {
            problems.add(name + ".base_url", quoted_url(region.base_url) + ": " + url.problem);
        } else if (url.parts->host == kDefaultHost) {
            const auto& key = region.api_key.empty() ? options.api_key : region.api_key;
            if (key.empty()) {
                problems.add("api_key", "it is empty; set HOLYSHEEP_API_KEY or ClientOptions::api_key");
            } else if (!key.starts_with("sk-")) {
                problems.add("api_key",
                             "keys of " + std::string(kDefaultHost) + " start with \"sk-\"; check which key this is");
            }
        }
        for (std::size_t k = 0; k < i; ++k) {
            const auto& other = options.regions[k];
            if (other.id == region.id)
                problems.add(name + ".id", quoted(region.id) + " is used twice; ids must be unique");
            if (other.base_url == region.base_url && other.headers == region.headers) {
                problems.add(name + ".base_url",
                             "regions " + quoted(other.id) + " and " + quoted(region.id) +
                                 " have the same URL and headers, so they cannot fail independently; give each its own "
                                 "base_url, or put {region} into ClientOptions::base_url");
            }
        }
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

void normalise(ClientOptions& options) {
    options.api_key = trim(options.api_key);
    if (options.base_url.empty()) options.base_url = kDefaultBaseUrl;
    if (options.regions.empty()) options.regions.push_back({.id = "default"});
    for (auto& region : options.regions) {
        region.api_key = trim(region.api_key);
        if (region.base_url.empty()) region.base_url = options.base_url;
        region.base_url = replace_region(std::move(region.base_url), region.id);
    }
}

void check_headers(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view option,
                   Problems& problems) {
    for (const auto& [name, value] : headers) {
        if (!is_token(name)) {
            problems.add(option, quoted(name) + " is not a header name (RFC 9110, 5.6.2)");
            continue;
        }
        std::string lower(name);
        std::ranges::transform(lower, lower.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (lower == "content-length" || lower == "transfer-encoding" || lower == "connection") {
            problems.add(option, quoted(name) + " belongs to the transport and cannot be set");
        }
        if (has_control_characters(value)) {
            problems.add(option, "the value of " + quoted(name) +
                                     " holds control characters; a line break would start a new header");
        }
    }
}

void check_retry(const RetryOptions& retry, std::string_view prefix, Problems& problems) {
    const std::string at(prefix);
    if (retry.max_attempts < 0)
        problems.add(at + "max_attempts", std::to_string(retry.max_attempts) + " must be 0 (default) or more");
    const auto span = [&](std::string_view name, milliseconds value) {
        if (value.count() < 0)
            problems.add(at + std::string(name), std::to_string(value.count()) + " ms must not be negative");
    };
    span("initial_backoff", retry.initial_backoff);
    span("throttle_backoff", retry.throttle_backoff);
    span("max_backoff", retry.max_backoff);
    span("max_wait", retry.max_wait);
    if (!(retry.budget_ratio >= 0 && retry.budget_ratio <= 1)) {
        problems.add(at + "budget_ratio", std::to_string(retry.budget_ratio) + " must be between 0 and 1");
    }
    if (retry.budget_capacity < 0)
        problems.add(at + "budget_capacity", std::to_string(retry.budget_capacity) + " must not be negative");
}

void check_timeouts(const TimeoutOptions& timeouts, std::string_view prefix, Problems& problems) {
    const auto span = [&](std::string_view name, milliseconds value) {
        // Beyond 30 years, adding it to the clock would overflow.
        if (value.count() < 0 || value > std::chrono::hours{262'800}) {
            problems.add(std::string(prefix) + std::string(name),
                         std::to_string(value.count()) + " ms must be 0 (default rule) or more, at most 30 years");
        }
    };
    span("connect", timeouts.connect);
    span("first_byte", timeouts.first_byte);
    span("first_content", timeouts.first_content);
    span("stall", timeouts.stall);
    span("attempt", timeouts.attempt);
    span("total", timeouts.total);
}

void check(const ClientOptions& options, Problems& problems) {
    check_key("api_key", options.api_key, problems);
    check_regions(options, problems);
    check_headers(options.headers, "headers", problems);
    check_retry(options.retry, "retry.", problems);
    check_timeouts(options.timeouts, "timeouts.", problems);

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
        if (scheme != "http" && scheme != "https" && scheme != "socks5" && scheme != "socks5h") {
            problems.add("proxy.url",
                         quoted(proxy.url) + " must start with http://, https://, socks5:// or socks5h://");
        }
    }
    if ((options.transport == nullptr) != (options.clock == nullptr)) {
        problems.add(options.transport ? "transport" : "clock",
                     "transport and clock go together: a transport reports on the clock's thread; set both or neither");
    }
    if (std::ranges::any_of(options.listeners, [](const auto& listener) { return listener == nullptr; })) {
        problems.add("listeners", "one of them is null");
    }
}

}  // namespace holysheep::client
