// Reads an answer or a chunk of the usual shape in place, in one pass and without a tree.
// JSON text → [answer_scan] → AnswerFields
#pragma once

#include <string>
#include <string_view>

#include "wire/answer_fields.hpp"

namespace holysheep::wire {

/// False for anything unusual: unknown nesting, odd types, duplicate members, ill-formed text, errors. `out` is then
/// half filled, and AnswerDom must read the text. Where this returns true, AnswerDom gives the same fields.
/// `scratch` holds what had to be unescaped, and must live as long as the fields.
bool scan_answer(std::string_view text, AnswerShape shape, std::string& scratch, AnswerFields& out);

}  // namespace holysheep::wire
