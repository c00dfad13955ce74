// One thread per region, because requests to a silent region block.
#include "watcher.hpp"

#include <curl/curl.h>

#include "proxy_text.hpp"

namespace holysheep::soak {

namespace {

using namespace std::chrono_literals;

constexpr auto kInterval = 100ms;
constexpr long kTimeoutMs = 1'000;

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

bool answers(CURL* easy) {
    long status = 0;
    if (curl_easy_perform(easy) != CURLE_OK) return false;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status == 200;
}

}  // namespace

Watcher::Watcher(const std::vector<Region>& regions) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (const auto& region : regions) {
        auto& seen = *seen_.emplace_back(std::make_unique<Seen>());
        threads_.emplace_back([this, url = region.base_url + "/models", &seen] { watch(url, seen); });
    }
}

Watcher::~Watcher() { stop_ = true; }

std::chrono::milliseconds Watcher::healthy_for(std::size_t region) const {
    const auto since = seen_.at(region)->since.load();
    if (since == 0) return 0ms;
    // A late answer may be a miss that is not detected yet.
    const std::chrono::nanoseconds late(now_ns() - seen_[region]->until.load());
    if (late > 3 * kInterval) return 0ms;
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(now_ns() - since));
}

void Watcher::watch(const std::string& url, Seen& seen) const {
    // Alternates between the two ports of the backends.
    CURL* easy = curl_easy_init();
    curl_slist* thinking = curl_slist_append(nullptr, (std::string(kThinkingHeader) + ": 1").c_str());
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, kTimeoutMs);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(
        easy, CURLOPT_WRITEFUNCTION, +[](char*, std::size_t size, std::size_t count, void*) { return size * count; });
    for (bool thinks = false; !stop_; thinks = !thinks) {
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, thinks ? thinking : nullptr);
        if (answers(easy)) {
            if (seen.since == 0) seen.since = now_ns();
            seen.until = now_ns();
        } else {
            seen.since = 0;
        }
        std::this_thread::sleep_for(kInterval);
    }
    curl_easy_cleanup(easy);
    curl_slist_free_all(thinking);
}

}  // namespace holysheep::soak
