// A fast path for streams whose chunks differ only in their content: most providers repeat everything else, byte for
// byte, in each chunk.
// JSON text → [chunk_frame] → chunk_accumulator
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wire/answer_fields.hpp"

namespace holysheep::wire {

/// Remembers the bytes of the last chunk before and after its content text. If the next chunk has the same bytes there
/// and plain text in between, only that text is new, and no JSON needs to be parsed.
class ChunkFrame {
  public:
    /// Returns whether `text` is such a chunk; then `out` contains its content, a view of `text`, and nothing else.
    bool match(std::string_view text, AnswerFields& out);
    /// Call it after scan_answer has read `text` as `fields`, before any other chunk is read.
    void remember(std::string_view text, const AnswerFields& fields);
    /// Call it after a chunk that was read in any other way.
    void forget() { known_ = false; }

  private:
    std::string text_{};
    std::size_t prefix_ = 0, suffix_ = 0;
    std::int64_t choice_ = 0;
    bool known_ = false;
    int misses_ = 0;  ///< consecutive frames without a match
};

}  // namespace holysheep::wire
