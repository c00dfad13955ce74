// The loop of a conversation with tools: send a request, run the called tools, send their results, repeat.
// ChatRequest, functions → [run_tools] → ChatCompletion, the whole conversation
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <holysheep/client.hpp>

namespace holysheep {
inline namespace v0 {

/// A tool. Receives the arguments as JSON text ("{}" if the model sent none) and returns the result for the model. An
/// error or an exception is sent to the model, too, because it can often correct itself.
using ToolFunction = std::function<Result<std::string>(const std::string& arguments_json)>;

/// Options of `run_tools`.
struct ToolRunOptions {
    int max_rounds = 10;    ///< requests to the model; at least one
    bool parallel = false;  ///< run the tool calls of one answer at the same time
    int max_parallel = 8;   ///< most threads per answer, with `parallel`
    /// Options of each request. `deadline` applies to the whole run, including tools. It and `stop` are checked before
    /// each tool and each request; they do not interrupt a running tool.
    CallOptions call{};
};

/// The result of `run_tools`.
struct ToolRun {
    Result<ChatCompletion> answer;    ///< the last answer, or the error
    std::vector<Message> messages{};  ///< the whole conversation including the last answer, also after an error
    int rounds = 0;                   ///< requests sent
    bool limit_reached = false;       ///< `max_rounds` is reached and the last answer still calls tools
};

/// Sends requests until the model answers without calling a tool. Blocks; tools run on the calling thread, or on
/// threads of their own with `parallel`.
///
///     auto run = holysheep::run_tools(client, request, {{"weather", look_up}});
///     if (run.answer) std::cout << run.answer->text();
///
/// A call of a tool that is not in `tools` gets an error as its result. Tools run if the answer contains calls,
/// whatever its finish reason, except if it was cut or blocked: then the result is the error of `chat_whole`, with the
/// answer as `partial`. To continue later, send `messages` again; after `limit_reached`, add a result for each call of
/// the last answer.
HOLYSHEEP_EXPORT ToolRun run_tools(Client& client, ChatRequest request,
                                   const std::map<std::string, ToolFunction>& tools,
                                   const ToolRunOptions& options = {});

}  // namespace v0
}  // namespace holysheep
