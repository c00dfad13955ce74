// Every base URL that the library accepts, libcurl reads with the same host: no key may go to another host.
#include <memory>
#include <string>

#include <curl/curl.h>

#include "claim.hpp"
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

void claim_libcurl_agrees(const client::BaseUrl& parts) {
    const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
    const std::string full = parts.url + "/chat/completions" + parts.query;
    // A host that libcurl rejects fails when it is used; the check here is only that no host is mistaken for another.
    if (curl_url_set(url.get(), CURLUPART_URL, full.c_str(), 0) != CURLUE_OK) return;
    claim_equal(part_of(url.get(), CURLUPART_SCHEME), parts.scheme, "the scheme");
    claim_equal(part_of(url.get(), CURLUPART_USER), "", "there is no user");
    const std::string host = lower(part_of(url.get(), CURLUPART_HOST));
    const bool plain = parts.host.find_first_not_of("abcdefghijklmnopqrstuvwxyz-.") == std::string::npos;
    if (plain) claim_equal(host, parts.host, "the host");
    // libcurl rewrites numeric hosts (0x7f.1 → 127.0.0.1): none may be loopback for this library and another host for
    // libcurl.
    if (transport::is_loopback_host(parts.host)) claim(transport::is_loopback_host(host), "loopback is loopback");
}

}  // namespace
}  // namespace holysheep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace holysheep;
    const std::string_view text = fuzz::as_text(bytes, size);
    for (const bool allow_plaintext : {false, true}) {
        const client::ParsedBaseUrl parsed = client::parse_base_url(text, allow_plaintext);
        fuzz::claim(parsed.parts.has_value() == parsed.problem.empty(), "either the parts or what is wrong");
        if (!parsed.parts) continue;
        const client::BaseUrl& parts = *parsed.parts;
        fuzz::claim(parts.scheme == "https" || parts.scheme == "http", "only http and https");
        fuzz::claim(!parts.host.empty() && parts.url.find('@') >= parts.url.find('/', 8), "a host and no credentials");
        fuzz::claim(allow_plaintext || parts.scheme == "https" || transport::is_loopback_host(parts.host),
                    "no plain text but to this machine");
        const auto again = client::parse_base_url(parts.url + parts.query, allow_plaintext);
        fuzz::claim(again.parts && again.parts->url == parts.url && again.parts->query == parts.query &&
                        again.parts->host == parts.host,
                    "reading it again changes nothing");
        fuzz::claim_libcurl_agrees(parts);
    }
    return 0;
}
