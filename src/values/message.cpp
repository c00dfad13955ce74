// Shortcuts for the messages of a conversation.
#include <utility>

#include <holysheep/message.hpp>

namespace holysheep {
inline namespace v0 {

Message system_prompt(std::string text) { return {.role = Role::system, .content = std::move(text)}; }

Message user(std::string text) { return {.role = Role::user, .content = std::move(text)}; }

Message assistant(std::string text) { return {.role = Role::assistant, .content = std::move(text)}; }

Message tool_result(std::string tool_call_id, std::string text) {
    return {.role = Role::tool, .content = std::move(text), .tool_call_id = std::move(tool_call_id)};
}

}  // namespace v0
}  // namespace holysheep
