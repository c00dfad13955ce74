// The loop that tools need: ask, run what the model calls, tell it the results, ask again.
// ChatRequest, functions → [run_tools] → ChatCompletion, the whole conversation
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <holysheep/client.hpp>

namespace holysheep {
inline namespace v0 {

/// Receives the arguments as JSON text ("{}" where the model gave none) and returns what the model is told. An error,
/// or an exception, is told to the model as well: it can often correct itself.
using ToolFunction = std::function<Result<std::string>(const std::string& arguments_json)>;

struct ToolRunOptions {
    int max_rounds = 10;    ///< questions to the model, at least one
    bool parallel = false;  ///< the calls of one answer run at the same time
    int max_parallel = 8;   ///< threads of one answer at most, with `parallel`
    /// For each question. `deadline` covers the whole run, tools included, though no tool is interrupted by it or by
    /// `stop`: they are looked at before each tool and each question.
    CallOptions call{};
};

struct ToolRun {
    Result<ChatCompletion> answer;    ///< the last one, or why there is none
    std::vector<Message> messages{};  ///< the whole conversation, also after an error; the last answer included
    int rounds = 0;                   ///< questions that were asked
    bool limit_reached = false;       ///< `max_rounds` are over, and the last answer still asks for tools
};

/// Blocks until the model answers without calling a tool:
///
///     auto run = holysheep::run_tools(client, request, {{"weather", look_up}});
///     if (run.answer) std::cout << run.answer->text();
///
/// A call of a tool that is not in `tools` is answered with an error too. The answer's calls decide, not its finish
/// reason; but no tool runs for an answer that was cut or blocked: that is the error of `chat_whole`, with the answer
/// as its `partial`. To go on later, send `messages` again; after `limit_reached` with a result for each call of the
/// last answer.
HOLYSHEEP_EXPORT ToolRun run_tools(Client& client, ChatRequest request,
                                   const std::map<std::string, ToolFunction>& tools,
                                   const ToolRunOptions& options = {});

}  // namespace v0
}  // namespace holysheep
