// Reads an answer or a chunk of the usual shape in place, in one pass and without a DOM.
// JSON text → [answer_scan] → AnswerFields
#pragma once

#include <string>
#include <string_view>

#include "wire/answer_fields.hpp"

namespace holysheep::wire {

/// Returns false for anything unusual: unknown nesting, odd types, duplicate members, ill-formed text, errors. `out` is
/// then partly filled, and AnswerDom must read the text. If this returns true, AnswerDom would give the same fields.
/// `scratch` holds unescaped text, and must live as long as the fields.
bool scan_answer(std::string_view text, AnswerShape shape, std::string& scratch, AnswerFields& out);

}  // namespace holysheep::wire
