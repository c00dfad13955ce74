// What asks the questions: the library in three settings, and the loop that programs write themselves.
// Load → Question → [Asker] → Heard → Tally
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

/// What became of one question.
struct Heard {
    bool answered = false;      ///< the caller was told that this is the whole answer
    bool content_seen = false;  ///< something of it was delivered before the end
    bool restarted = false;     ///< a stream that broke after content was begun again
    bool reported = false;      ///< not answered, but what was delivered came with an error that says so
    std::string text{};         ///< the answer, or what came of it
    std::string trouble{};      ///< the error and the attempts
    int attempts = 0;
    std::chrono::nanoseconds first_content{};  ///< until something of the answer was there; of the last beginning
};

class Asker {
  public:
    using Done = std::function<void(Heard)>;
    virtual ~Asker() = default;
    /// Does not block. `done` runs once, on any thread.
    virtual void ask(const Question& question, Done done) = 0;
};

/// Two of the callers that run beside each other differ in nothing but this.
inline constexpr std::string_view kDefault = "default", kNoBreaker = "breaker off", kRestart = "restart",
                                  kNaive = "naive loop";

/// `name` is one of those above; nullptr for any other.
std::unique_ptr<Asker> make_asker(std::string_view name, const std::vector<Region>& regions);

std::unique_ptr<Asker> make_library_asker(bool breaker, bool restart, const std::vector<Region>& regions);
std::unique_ptr<Asker> make_naive_asker(const std::vector<Region>& regions);

}  // namespace holysheep::soak
