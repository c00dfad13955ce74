// The baseline: libcurl used directly and efficiently. Handles and connections are reused, one loop serves all
// transfers, nlohmann/json writes the request and reads the answer. There are no retries, no failover, no headers and
// no statistics.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holysheep::bench {

struct RawAnswer {
    std::string id{}, model{}, role{}, content{}, finish_reason{};
    std::int64_t created = 0, prompt_tokens = 0, completion_tokens = 0, total_tokens = 0;
};
RawAnswer decode_raw(std::string_view body);

/// The URL to send to, and the CA certificates to trust (empty: plain HTTP).
struct RawTarget {
    std::string base_url{}, ca_file{};
};

using TimePoint = std::chrono::steady_clock::time_point;

/// One easy handle with all its options set once.
class RawTransfer {
  public:
    explicit RawTransfer(const RawTarget& target);
    RawTransfer(const RawTransfer&) = delete;
    RawTransfer& operator=(const RawTransfer&) = delete;

    /// Encodes the question again, as a program with a new question each time would.
    void prepare();
    /// Decodes the answer; throws if it is not the expected one.
    void check(CURLcode result) const;
    CURL* handle() const { return easy_.get(); }

  private:
    static std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* self);

    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;
    std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_;
    std::string url_, question_, answer_;
};

/// Keeps a number of requests in flight on one thread.
class RawMultiClient {
  public:
    RawMultiClient(const RawTarget& target, std::size_t in_flight);
    ~RawMultiClient();
    RawMultiClient(const RawMultiClient&) = delete;
    RawMultiClient& operator=(const RawMultiClient&) = delete;

    /// Sends requests until `end`, then waits for the open ones; returns the number of answers.
    std::uint64_t run_until(TimePoint end);

  private:
    std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
    std::vector<std::unique_ptr<RawTransfer>> transfers_;
};

/// One reused easy handle, one request at a time.
class RawEasyClient {
  public:
    explicit RawEasyClient(const RawTarget& target) : transfer_(target) {}
    void ask();

  private:
    RawTransfer transfer_;
};

}  // namespace holysheep::bench
