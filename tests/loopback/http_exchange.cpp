// Uses a new handle for each request, so that requests share nothing.
#include "http_exchange.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <string_view>

namespace holysheep::loopback {

namespace {

std::size_t add_body(char* bytes, std::size_t size, std::size_t count, void* reply) {
    static_cast<HttpReply*>(reply)->body.append(bytes, size * count);
    return size * count;
}

std::size_t add_header(char* bytes, std::size_t size, std::size_t count, void* reply) {
    const std::string_view line(bytes, size * count);
    if (const auto colon = line.find(':'); colon != std::string_view::npos) {
        std::string name(line.substr(0, colon));
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        auto value = line.substr(colon + 1);
        while (value.starts_with(' ')) value.remove_prefix(1);
        while (value.ends_with('\r') || value.ends_with('\n')) value.remove_suffix(1);
        static_cast<HttpReply*>(reply)->headers[name] = value;
    }
    return size * count;
}

}  // namespace

HttpReply http(const std::string& url, const std::vector<std::string>& headers, const std::string& method,
               const std::string& body) {
    HttpReply reply;
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(), &curl_easy_cleanup);
    curl_slist* lines = nullptr;
    for (const auto& header : headers) lines = curl_slist_append(lines, header.c_str());
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owned(lines, &curl_slist_free_all);
    curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle.get(), CURLOPT_NOPROXY, "*");
    curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, lines);
    if (!body.empty()) {
        curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
        curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, body.c_str());
    }
    curl_easy_setopt(handle.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
    if (method == "HEAD") curl_easy_setopt(handle.get(), CURLOPT_NOBODY, 1L);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, add_body);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &reply);
    curl_easy_setopt(handle.get(), CURLOPT_HEADERFUNCTION, add_header);
    curl_easy_setopt(handle.get(), CURLOPT_HEADERDATA, &reply);
    long status = 0;
    if (curl_easy_perform(handle.get()) == CURLE_OK) curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    return reply;
}

}  // namespace holysheep::loopback
