// libcurl must read every accepted base URL with the same host, so that no key is sent to another host.
#include <memory>
#include <string>

#include <curl/curl.h>

#include "check.hpp"
#include "client/base_url.hpp"
#include "transport/loopback.hpp"

namespace holysheep::fuzz {
namespace {

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part_of(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
    std::string copy(text);
    curl_free(text);
    return copy;
}

std::string lower(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

void check_libcurl_agrees(const client::BaseUrl& parts) {
    const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
    const std::string full = parts.url + "/chat/completions" + parts.query;
    // A host that libcurl rejects fails when it is used; the check here is only that no host is mistaken for another.
    if (curl_url_set(url.get(), CURLUPART_URL, full.c_str(), 0) != CURLUE_OK) return;
    check_equal(part_of(url.get(), CURLUPART_SCHEME), parts.scheme, "the scheme");
    check_equal(part_of(url.get(), CURLUPART_USER), "", "there is no user");
    const std::string host = lower(part_of(url.get(), CURLUPART_HOST));
    const bool plain = parts.host.find_first_not_of("abcdefghijklmnopqrstuvwxyz-.") == std::string::npos;
    if (plain) check_equal(host, parts.host, "the host");
    // libcurl rewrites numeric hosts (0x7f.1 → 127.0.0.1): none may be loopback for this library and another host for
    // libcurl.
    if (transport::is_loopback_host(parts.host)) check(transport::is_loopback_host(host), "loopback hosts agree");
}

}  // namespace
}  // namespace holysheep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    const std::string_view text = fuzz::as_text(bytes, size);
    for (const bool allow_plaintext : {false, true}) {
        const client::ParsedBaseUrl parsed = client::parse_base_url(text, allow_plaintext);
        fuzz::check(parsed.parts.has_value() == parsed.problem.empty(), "either the parts or a problem");
        if (!parsed.parts) continue;
        const client::BaseUrl& parts = *parsed.parts;
        fuzz::check(parts.scheme == "https" || parts.scheme == "http", "only http and https");
        fuzz::check(!parts.host.empty() && parts.url.find('@') >= parts.url.find('/', 8), "a host and no credentials");
        fuzz::check(allow_plaintext || parts.scheme == "https" || transport::is_loopback_host(parts.host),
                    "plain text only to loopback");
        const auto again = client::parse_base_url(parts.url + parts.query, allow_plaintext);
        fuzz::check(again.parts && again.parts->url == parts.url && again.parts->query == parts.query &&
                        again.parts->host == parts.host,
                    "parsing is idempotent");
        fuzz::check_libcurl_agrees(parts);
    }
    return 0;
}
