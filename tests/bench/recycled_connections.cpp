// Numbers every call and every attempt, so that the server's records can be compared with the client's.
#include "recycled_connections.hpp"

#include <atomic>
#include <stdexcept>
#include <vector>

#include <holysheep/holysheep.hpp>

#include "library_load.hpp"

namespace holysheep::bench {

namespace {

constexpr std::size_t kCalls = 5'000;
constexpr int kInFlight = 32;

class NumberedCalls {
  public:
    NumberedCalls(ClientOptions options, std::size_t first_call)
        : first_call_(first_call), attempts_(kCalls), failures_(kCalls), client_(std::move(options)) {}

    void run() {
        running_ = kInFlight;
        for (int i = 0; i < kInFlight; ++i) ask_next();
        for (int left = running_; left > 0; left = running_) running_.wait(left);
    }
    /// The number of attempts in each call's trail.
    const std::vector<std::size_t>& attempts() const { return attempts_; }
    /// The reason why each call failed, or "".
    const std::vector<std::string>& failures() const { return failures_; }

  private:
    void ask_next() {
        const auto call = next_.fetch_add(1);
        if (call >= kCalls) {
            if (running_.fetch_sub(1) == 1) running_.notify_one();
            return;
        }
        CallOptions options;
        options.idempotency_key = "call-" + std::to_string(first_call_ + call);
        client_.chat_async(make_request(), options, [this, call](const Result<ChatCompletion>& answer) {
            attempts_[call] = answer ? answer->attempts.size() : answer.error().attempts.size();
            if (!answer) failures_[call] = answer.error().message;
            ask_next();
        });
    }

    const std::size_t first_call_;
    std::vector<std::size_t> attempts_;
    std::vector<std::string> failures_;
    std::atomic<std::size_t> next_{0};
    std::atomic<int> running_{0};
    Client client_;  // declared last: its destructor ends the callbacks that use the members above
};

}  // namespace

RecycledCount count_recycled(const RawTarget& target, bool http2, const Sightings& sightings, std::size_t first_call) {
    auto options = options_for(target);
    options.http2 = http2;
    NumberedCalls calls(std::move(options), first_call);
    calls.run();
    RecycledCount count{.calls = kCalls};
    std::uint64_t total_seen = 0;
    for (std::size_t call = 0; call < kCalls; ++call) {
        count.attempts += calls.attempts()[call];
        if (!calls.failures()[call].empty() && count.lost++ == 0) count.first_failure = calls.failures()[call];
        for (std::size_t attempt = 0; attempt < Sightings::kAttempts; ++attempt) {
            const bool recorded = attempt >= 1 && attempt <= calls.attempts()[call];
            const unsigned received = sightings.of(first_call + call, attempt);
            total_seen += received;
            if (received > (recorded ? 1U : 0U)) count.hidden_resends += received - (recorded ? 1U : 0U);
        }
    }
    // Without records the count would always look fine.
    if (total_seen + count.lost < kCalls) throw std::runtime_error("the server saw fewer requests than were answered");
    return count;
}

}  // namespace holysheep::bench
