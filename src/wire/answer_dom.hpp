// Reads any answer or chunk through a tree: the tolerant way, which decides what every shape means.
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

    /// With `ok`, the views in the fields are valid until the next call. `AnswerFields::error` is set where the body
    /// says so; the other fields are filled beside it.
    Read read(std::string_view text, AnswerShape shape, AnswerFields& out);

    /// Whether the text is an answer by itself, or an error: not a chunk with a `delta`. Then as `read`.
    bool read_answer(std::string_view text, AnswerFields& out);

  private:
    struct Tree;
    std::unique_ptr<Tree> tree_;
};

}  // namespace holysheep::wire
