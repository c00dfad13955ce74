// Which tool call a piece of a stream belongs to. Providers number them from 0, from 1, all with 0, with -1 or not at
// all, and some repeat the id on every piece.
// ToolCallDelta → [tool_call_slots] → chunk_accumulator
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holysheep::wire {

/// The slots of one choice, numbered by first appearance.
class ToolCallSlots {
  public:
    /// The slot for a piece with this index and id; `count()` grows by one when it opens a new call.
    std::size_t slot_for(std::optional<std::int64_t> index, std::string_view id, bool names_a_call);
    std::size_t count() const { return count_; }

  private:
    struct Numbered {
        std::size_t slot = 0;
        std::string id{};
    };
    std::size_t by_index(std::int64_t index, std::string_view id);
    std::size_t open(std::string_view id);

    std::size_t count_ = 0, last_ = 0;
    std::vector<bool> named_{};  ///< beside the slots
    std::map<std::int64_t, Numbered> by_index_{};
    std::map<std::string, std::size_t, std::less<>> by_id_{};
};

}  // namespace holysheep::wire
