// The names are the enumerators' own, so the table is to_string read backwards.
#include "wire/finish_reason.hpp"

namespace holysheep::wire {

FinishReason finish_reason_from(std::string_view text) {
    using enum FinishReason;
    if (text.empty()) return none;
    for (const FinishReason reason : {stop, length, tool_calls, content_filter, function_call, error}) {
        if (text == to_string(reason)) return reason;
    }
    return other;
}

}  // namespace holysheep::wire
