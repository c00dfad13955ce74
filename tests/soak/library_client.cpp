// The library with default options apart from the breaker and stream recovery: one client, asynchronous calls and
// streams.
#include <atomic>
#include <utility>

#include <holysheep/holysheep.hpp>

#include "proxy_text.hpp"
#include "test_client.hpp"

namespace holysheep::soak {

namespace {

using std::chrono::steady_clock;

ClientOptions options_for(bool breaker, const std::vector<Region>& regions) {
    ClientOptions options;
    options.api_key = "sk-soak";
    options.regions = regions;
    options.breaker.enabled = breaker;
    options.log.level = LogLevel::off;
    return options;
}

/// The part of a stream received so far.
struct Pieces {
    std::string text{};
    bool restarted = false;
    std::optional<steady_clock::time_point> first{};
};

class LibraryClient final : public TestClient {
  public:
    LibraryClient(bool breaker, bool restart, const std::vector<Region>& regions)
        : restart_(restart), client_(options_for(breaker, regions)) {}

    void send(const Question& question, Done done) override {
        ChatRequest request{.model = std::string(model_of(question)), .messages = {user(question.text)}};
        CallOptions call;
        if (question.thinking) call.headers = {{kThinkingHeader, "1"}};
        if (restart_) call.stream_recovery = StreamRecovery::restart;
        const auto started = steady_clock::now();
        auto pieces = std::make_shared<Pieces>();
        auto on_done = [pieces, started, done = std::move(done)](Result<ChatCompletion> result) {
            done(outcome(result, *pieces, started));
        };
        if (!question.streamed) {
            client_.chat_async(std::move(request), std::move(call), std::move(on_done));
            return;
        }
        client_.stream_async(
            std::move(request), std::move(call), [pieces](const ChatChunk& chunk) { add(*pieces, chunk); },
            std::move(on_done));
    }

  private:
    static void add(Pieces& pieces, const ChatChunk& chunk) {
        if (chunk.event == ChunkEvent::restarted) {
            pieces = {.restarted = true};
        } else if (chunk.event == ChunkEvent::content) {
            pieces.text += chunk.text;
            if (!pieces.first) pieces.first = steady_clock::now();
        }
    }

    static Outcome outcome(const Result<ChatCompletion>& result, const Pieces& pieces,
                           steady_clock::time_point started) {
        Outcome outcome{.content_seen = !pieces.text.empty() || pieces.restarted, .restarted = pieces.restarted};
        outcome.first_content = pieces.first.value_or(steady_clock::now()) - started;
        outcome.attempts = static_cast<int>((result ? result->attempts : result.error().attempts).size());
        if (result) {
            // The delivered pieces must add up to the answer; otherwise it counts as wrong.
            outcome.answered = true;
            outcome.text = pieces.text.empty() || pieces.text == result->text() ? result->text() : "";
            return outcome;
        }
        const auto& error = result.error();
        outcome.text = pieces.text;
        outcome.reported = (error.code == ErrorCode::stream_interrupted || error.code == ErrorCode::stream_stalled) &&
                           error.partial != nullptr && error.partial->text() == pieces.text;
        outcome.diagnosis =
            std::string(to_string(error.code)) + ": " + error.message + " | " + describe(error.attempts);
        return outcome;
    }

    const bool restart_;
    Client client_;
};

}  // namespace

std::unique_ptr<TestClient> make_library_client(bool breaker, bool restart, const std::vector<Region>& regions) {
    return std::make_unique<LibraryClient>(breaker, restart, regions);
}

std::unique_ptr<TestClient> make_test_client(std::string_view name, const std::vector<Region>& regions) {
    if (name == kDefault) return make_library_client(true, false, regions);
    if (name == kNoBreaker) return make_library_client(false, false, regions);
    if (name == kRestart) return make_library_client(true, true, regions);
    if (name == kNaive) return make_naive_client(regions);
    return nullptr;
}

}  // namespace holysheep::soak
