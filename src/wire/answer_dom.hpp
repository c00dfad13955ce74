// Reads any answer or chunk through a DOM. This tolerant reader defines what every shape means.
// JSON text → [answer_dom] → AnswerFields
#pragma once

#include <memory>
#include <string_view>

#include "wire/answer_fields.hpp"

namespace holysheep::wire {

class AnswerDom {
  public:
    enum class Read { ok, not_json, not_an_object };

    AnswerDom();
    ~AnswerDom();
    AnswerDom(const AnswerDom&) = delete;
    AnswerDom& operator=(const AnswerDom&) = delete;

    /// On `ok`, the views in the fields are valid until the next call. `AnswerFields::error` is set if the body
    /// contains an error; the other fields are filled as well.
    Read read(std::string_view text, AnswerShape shape, AnswerFields& out);

    /// Returns whether the text is an answer by itself, or an error, as opposed to a chunk with a `delta`. If so, does
    /// the same as `read`.
    bool read_answer(std::string_view text, AnswerFields& out);

  private:
    struct Tree;
    std::unique_ptr<Tree> tree_;
};

}  // namespace holysheep::wire
