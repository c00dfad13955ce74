// The library as programs use it, with its default options: one client, asynchronous calls and streams.
#include <atomic>
#include <utility>

#include <holysheep/holysheep.hpp>

#include "asker.hpp"
#include "proxy_text.hpp"

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

/// What came of a stream so far.
struct Pieces {
    std::string text{};
    bool restarted = false;
    std::optional<steady_clock::time_point> first{};
};

class LibraryAsker final : public Asker {
  public:
    LibraryAsker(bool breaker, bool restart, const std::vector<Region>& regions)
        : restart_(restart), client_(options_for(breaker, regions)) {}

    void ask(const Question& question, Done done) override {
        ChatRequest request{.model = std::string(model_of(question)), .messages = {user(question.text)}};
        CallOptions call;
        if (question.thinking) call.headers = {{kThinksHeader, "1"}};
        if (restart_) call.stream_recovery = StreamRecovery::restart;
        const auto begun = steady_clock::now();
        auto pieces = std::make_shared<Pieces>();
        auto on_done = [pieces, begun, done = std::move(done)](Result<ChatCompletion> result) {
            done(heard(result, *pieces, begun));
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

    static Heard heard(const Result<ChatCompletion>& result, const Pieces& pieces, steady_clock::time_point begun) {
        Heard heard{.content_seen = !pieces.text.empty() || pieces.restarted, .restarted = pieces.restarted};
        heard.first_content = pieces.first.value_or(steady_clock::now()) - begun;
        heard.attempts = static_cast<int>((result ? result->attempts : result.error().attempts).size());
        if (result) {
            // What was delivered piece by piece is the answer, or nothing is.
            heard.answered = true;
            heard.text = pieces.text.empty() || pieces.text == result->text() ? result->text() : "";
            return heard;
        }
        const auto& error = result.error();
        heard.text = pieces.text;
        heard.reported = (error.code == ErrorCode::stream_interrupted || error.code == ErrorCode::stream_stalled) &&
                         error.partial != nullptr && error.partial->text() == pieces.text;
        heard.trouble = std::string(to_string(error.code)) + ": " + error.message + " | " + describe(error.attempts);
        return heard;
    }

    const bool restart_;
    Client client_;
};

}  // namespace

std::unique_ptr<Asker> make_library_asker(bool breaker, bool restart, const std::vector<Region>& regions) {
    return std::make_unique<LibraryAsker>(breaker, restart, regions);
}

std::unique_ptr<Asker> make_asker(std::string_view name, const std::vector<Region>& regions) {
    if (name == kDefault) return make_library_asker(true, false, regions);
    if (name == kNoBreaker) return make_library_asker(false, false, regions);
    if (name == kRestart) return make_library_asker(true, true, regions);
    if (name == kNaive) return make_naive_asker(regions);
    return nullptr;
}

}  // namespace holysheep::soak
