// The fast way through a stream whose chunks differ in nothing but their content: most providers repeat everything
// else, byte for byte, in each of them.
// JSON text → [chunk_frame] → chunk_accumulator
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wire/answer_fields.hpp"

namespace holysheep::wire {

/// Remembers the last chunk as what stands before and after the text of its content. The next one with the same bytes
/// there, and plain text in between, says nothing new but that text: no JSON is read for it.
class ChunkFrame {
  public:
    /// Whether `text` is such a chunk; then `out` holds its content, a view of `text`, and nothing that was said
    /// before.
    bool match(std::string_view text, AnswerFields& out);
    /// After `text` was read as `fields` by scan_answer, and before any other chunk is.
    void remember(std::string_view text, const AnswerFields& fields);
    /// After a chunk that was read in any other way.
    void forget() { known_ = false; }

  private:
    std::string text_{};
    std::size_t prefix_ = 0, suffix_ = 0;
    std::int64_t choice_ = 0;
    bool known_ = false;
    int misses_ = 0;  ///< frames without a match since the last one
};

}  // namespace holysheep::wire
