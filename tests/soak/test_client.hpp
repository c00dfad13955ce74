// The clients under load: the library in three configurations, and a hand-written loop to compare with.
// Load → Question → [TestClient] → Outcome → Tally
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/region.hpp>

#include "question.hpp"

namespace holysheep::soak {

/// The outcome of one call as its caller saw it.
struct Outcome {
    bool answered = false;      ///< the client reported a complete answer
    bool content_seen = false;  ///< content was delivered before the end
    bool restarted = false;     ///< a stream that broke after content was started again
    bool reported = false;      ///< not answered, and the error says so and holds the delivered content
    std::string text{};         ///< the answer, or the part that arrived
    std::string diagnosis{};    ///< the error and the attempts
    int attempts = 0;
    std::chrono::nanoseconds first_content{};  ///< time to first content; after a restart, of the restarted stream
};

class TestClient {
  public:
    using Done = std::function<void(Outcome)>;
    virtual ~TestClient() = default;
    /// Does not block. `done` runs once, on any thread.
    virtual void send(const Question& question, Done done) = 0;
};

/// Names of the callers. They run concurrently and differ only in their client.
inline constexpr std::string_view kDefault = "default", kNoBreaker = "breaker off", kRestart = "restart",
                                  kNaive = "naive loop";

/// `name` is one of the names above; returns nullptr for any other.
std::unique_ptr<TestClient> make_test_client(std::string_view name, const std::vector<Region>& regions);

std::unique_ptr<TestClient> make_library_client(bool breaker, bool restart, const std::vector<Region>& regions);
std::unique_ptr<TestClient> make_naive_client(const std::vector<Region>& regions);

}  // namespace holysheep::soak
