// Runs tool rounds: a request, then every tool call of the answer, each with exactly one result, in order.
#include <holysheep/tool_runner.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "client/whole_answer.hpp"
#include "wire/json_writer.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

using std::chrono::steady_clock;

// The longest deadline of a call: milliseconds::max() cannot be added to a time.
constexpr milliseconds kLongestRun = std::chrono::hours{262'800};

std::string error_text(std::string_view what) {
    std::string json = "{\"error\":";
    wire::append_json_string(json, what);
    json += '}';
    return json;
}

std::string run_tool(const ToolCall& call, const std::map<std::string, ToolFunction>& tools) {
    const auto tool = tools.find(call.name);
    if (tool == tools.end() || !tool->second) return error_text("there is no tool named \"" + call.name + "\"");
    try {
        auto result = tool->second(call.arguments.empty() ? "{}" : call.arguments);
        return result ? std::move(*result) : error_text(result.error().message);
    } catch (const std::exception& error) {
        return error_text(error.what());
    } catch (...) {
        return error_text("the tool failed");
    }
}

class Run {
  public:
    Run(Client& client, ChatRequest request, const std::map<std::string, ToolFunction>& tools,
        const ToolRunOptions& options)
        : client_(client), request_(std::move(request)), tools_(tools), options_(options) {
        if (options.call.deadline) {
            ends_ = steady_clock::now() + std::clamp(*options.call.deadline, -kLongestRun, kLongestRun);
        }
    }

    ToolRun go() {
        for (;;) {
            if (auto error = stopped()) return end(std::move(*error));
            auto call = options_.call;
            if (ends_) call.deadline = std::chrono::ceil<milliseconds>(*ends_ - steady_clock::now());
            auto answer = client_.chat(request_, call);
            ++rounds_;
            if (!answer) return end(std::move(answer));
            if (answer->choices.empty()) return end(std::move(answer));
            // Calls of a cut answer may be incomplete.
            if (auto error = client::cut_or_blocked(*answer)) return end(std::move(*error));
            request_.messages.push_back(answer->choices.front().message);
            if (answer->tool_calls().empty()) return end(std::move(answer));
            if (rounds_ >= std::max(options_.max_rounds, 1)) {
                auto run = end(std::move(answer));
                run.limit_reached = true;
                return run;
            }
            if (auto error = run_all(answer->tool_calls())) {
                error->partial = std::make_shared<const ChatCompletion>(std::move(*answer));
                return end(std::move(*error));
            }
        }
    }

  private:
    std::optional<Error> run_all(const std::vector<ToolCall>& calls) {
        std::vector<std::string> results(calls.size());
        std::optional<Error> error;
        if (options_.parallel && calls.size() > 1) {
            run_at_the_same_time(calls, results);
        } else {
            for (std::size_t i = 0; i < calls.size(); ++i) {
                if (!error) error = stopped();
                results[i] = error ? error_text(error->message) : run_tool(calls[i], tools_);
            }
        }
        // A call without a result would make the conversation invalid.
        for (std::size_t i = 0; i < calls.size(); ++i) {
            request_.messages.push_back(tool_result(calls[i].id, std::move(results[i])));
        }
        return error;
    }

    /// Runs calls in parallel: each thread, including this one, takes the next call until none is left.
    void run_at_the_same_time(const std::vector<ToolCall>& calls, std::vector<std::string>& results) const {
        std::atomic<std::size_t> next{0};
        const auto work = [&] {
            for (auto i = next.fetch_add(1); i < calls.size(); i = next.fetch_add(1)) {
                const auto ended = stopped();
                results[i] = ended ? error_text(ended->message) : run_tool(calls[i], tools_);
            }
        };
        const auto threads =
            std::min<std::size_t>(calls.size(), static_cast<std::size_t>(std::max(1, options_.max_parallel)));
        std::vector<std::jthread> others;
        try {
            while (others.size() + 1 < threads) others.emplace_back(work);
        } catch (const std::system_error&) {  // no more threads available: the existing ones do the work
        }
        work();
    }

    std::optional<Error> stopped() const {
        if (options_.call.stop.stop_requested())
            return Error{.code = ErrorCode::cancelled, .message = "the tool run was cancelled"};
        if (ends_ && steady_clock::now() >= *ends_)
            return Error{.code = ErrorCode::deadline_exceeded, .message = "the tool run's deadline passed"};
        return std::nullopt;
    }

    ToolRun end(Result<ChatCompletion> answer) {
        return {.answer = std::move(answer), .messages = std::move(request_.messages), .rounds = rounds_};
    }

    Client& client_;
    ChatRequest request_;
    const std::map<std::string, ToolFunction>& tools_;
    const ToolRunOptions& options_;
    std::optional<steady_clock::time_point> ends_{};
    int rounds_ = 0;
};

}  // namespace

ToolRun run_tools(Client& client, ChatRequest request, const std::map<std::string, ToolFunction>& tools,
                  const ToolRunOptions& options) {
    return Run(client, std::move(request), tools, options).go();
}

}  // namespace v0
}  // namespace holysheep
