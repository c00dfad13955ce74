// Builds targets. The key of a region is added to the headers of that region only.
#include "client/targets.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "client/base_url.hpp"
#include "execution/keys.hpp"
#include "transport/proxy_environment.hpp"
#include "values/ascii.hpp"

namespace holysheep::client {

namespace {

// The client's headers, then the region's, which replace those of the same name.
std::vector<std::pair<std::string, std::string>> merge_headers(const ClientOptions& options, const Region& region) {
    std::vector<std::pair<std::string, std::string>> merged;
    const bool several = !options.keys.empty() || options.key_source;
    const auto& key = region.api_key.empty() && !several ? options.api_key : region.api_key;
    if (!key.empty()) merged.emplace_back("Authorization", "Bearer " + key);
    for (const auto* headers : {&options.headers, &region.headers}) {
        for (const auto& header : *headers) {
            const auto same = std::ranges::find_if(
                merged, [&](const auto& h) { return values::equal_ignoring_case(h.first, header.first); });
            if (same == merged.end()) {
                merged.push_back(header);
            } else {
                same->second = header.second;
            }
        }
    }
    return merged;
}

/// libcurl quotes an invalid proxy with its password, even one from the environment.
void add_proxies_of_environment(telemetry::Redactor& redactor) {
    for (const char* name : transport::kProxyVariables) {
        const char* value = std::getenv(name);
        if (value == nullptr) continue;
        std::string_view text = value;
        if (const auto scheme = text.find("://"); scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
        const auto end = text.rfind('@');
        if (end == std::string_view::npos) continue;
        const auto user_and_password = text.substr(0, end);
        redactor.add(user_and_password);
        const auto colon = user_and_password.find(':');
        if (colon != std::string_view::npos) redactor.add(user_and_password.substr(colon + 1));
    }
}

}  // namespace

std::vector<execution::Target> make_targets(const ClientOptions& options) {
    std::vector<execution::Target> targets;
    for (const auto& region : options.regions) {
        const auto url = parse_base_url(region.base_url, options.tls.allow_plaintext).parts.value();
        targets.push_back({.region = region,
                           .base_url = url.url,
                           .query = url.query,
                           .chat_url = url.url + "/chat/completions" + url.query,
                           .headers = merge_headers(options, region)});
    }
    return targets;
}

std::vector<std::uint64_t> region_accounts(const ClientOptions& options,
                                           const std::vector<execution::Target>& targets) {
    std::vector<std::uint64_t> accounts;
    const bool several = !options.keys.empty() || options.key_source;
    for (const auto& target : targets) {
        const auto key = std::ranges::find_if(target.headers, [](const auto& header) {
            return values::equal_ignoring_case(header.first, "authorization");
        });
        const bool own = key != target.headers.end();
        accounts.push_back(own ? execution::account_of(key->second) : several ? 0 : 1);
    }
    return accounts;
}

bool keys_differ(const std::vector<execution::Target>& targets) {
    const auto keys = [](const execution::Target& target) {
        std::vector<std::pair<std::string, std::string>> sensitive;
        std::ranges::copy_if(target.headers, std::back_inserter(sensitive),
                             [](const auto& header) { return telemetry::carries_a_secret(header.first); });
        return sensitive;
    };
    return std::ranges::any_of(targets,
                               [&](const execution::Target& target) { return keys(target) != keys(targets.front()); });
}

void collect_secrets(const ClientOptions& options, telemetry::Redactor& redactor) {
    redactor.add(options.api_key);
    for (const auto& key : options.keys) redactor.add(key);
    redactor.add(options.proxy.password);
    if (options.proxy.from_environment) add_proxies_of_environment(redactor);
    redactor.add(options.headers);
    for (const auto& region : options.regions) {
        redactor.add(region.api_key);
        redactor.add(region.headers);
        if (const auto query = region.base_url.find('?'); query != std::string::npos) {
            redactor.add_query(std::string_view(region.base_url).substr(query));
        }
    }
}

}  // namespace holysheep::client
