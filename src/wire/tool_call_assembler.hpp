// Assigns the pieces of tool calls to calls. Providers number the calls from 0, from 1,
// all with 0, with -1 or not at all; relays repeat ids, change them or leave them out.
// ToolCallDelta → [tool_call_assembler: tool_arguments] → chunk_accumulator
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/message.hpp>

#include "wire/answer_fields.hpp"
#include "wire/tool_arguments.hpp"

namespace holysheep::wire {

/// Assembles the calls of one choice, in order of first appearance.
class ToolCallAssembler {
  public:
    /// Memory that a call takes here in addition to its texts.
    static constexpr std::size_t kBytesPerCall = 160;

    /// The following pieces belong to a new chunk: equal complete entries are two calls within one chunk, but a
    /// repetition across two.
    void begin_chunk() { ++chunk_; }
    /// Adds the piece to the call that it belongs to and returns that call's position; `calls` grows by one when it
    /// opens a new call.
    std::size_t add(const ToolCallDelta& piece, std::vector<ToolCall>& calls) {
        return last_ = add_to(slot_for(piece, calls), piece, calls);
    }
    /// Whether the arguments are a placeholder that the next piece may replace.
    bool may_be_replaced(std::size_t slot, const ToolCall& call) const {
        return !states_[slot].reported && call.type != "custom" && ToolArguments::is_placeholder(call.arguments);
    }
    /// Arguments of the call were reported: from now on nothing is replaced.
    void set_reported(std::size_t slot) { states_[slot].reported = true; }

  private:
    struct State {
        ToolArguments arguments{};
        std::string next_name{}, next_id{};  ///< arrived after complete arguments: another call's, or unused
        std::uint64_t chunk = 0;             ///< the chunk of its last piece
        bool has_id = false;                 ///< an id from the gateway, not a generated one
        bool reported = false;
    };

    std::size_t slot_for(const ToolCallDelta& piece, const std::vector<ToolCall>& calls);
    std::size_t by_index(std::int64_t index, const ToolCallDelta& piece, const std::vector<ToolCall>& calls);
    std::size_t by_order(const ToolCallDelta& piece, const std::vector<ToolCall>& calls) const;
    std::size_t add_to(std::size_t slot, const ToolCallDelta& piece, std::vector<ToolCall>& calls);
    std::size_t open_next(std::size_t slot, const ToolCallDelta& piece, std::string_view arguments,
                          std::vector<ToolCall>& calls);
    std::size_t open(std::vector<ToolCall>& calls, std::string_view id, std::string_view name);
    bool is_another(std::size_t slot, const ToolCallDelta& piece, const std::vector<ToolCall>& calls) const;
    bool names_another(std::size_t slot, const ToolCallDelta& piece, const std::vector<ToolCall>& calls) const;
    bool continues_open_text(std::size_t slot, const ToolCallDelta& piece, const ToolCall& call) const;
    bool is_known_as(std::size_t slot, std::string_view id) const {
        const auto found = by_id_.find(id);
        return found != by_id_.end() && found->second == slot;
    }

    std::vector<State> states_{};  ///< parallel to the calls
    std::size_t last_ = 0;
    std::uint64_t chunk_ = 0;
    std::map<std::int64_t, std::size_t> by_index_{};
    std::map<std::string, std::size_t, std::less<>> by_id_{};  ///< includes ids that a call was given later
};

}  // namespace holysheep::wire
