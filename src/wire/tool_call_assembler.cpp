// Assigns pieces to calls by index if there is a consistent one, else by id, else by order. A name opens a call: if the
// id changes without a name, it is the same call. Arguments never become two consecutive JSON values.
#include "wire/tool_call_assembler.hpp"

#include <algorithm>
#include <utility>

namespace holysheep::wire {

std::size_t ToolCallAssembler::slot_for(const ToolCallDelta& piece, const std::vector<ToolCall>& calls) {
    if (piece.index) return by_index(std::max<std::int64_t>(*piece.index, 0), piece, calls);
    const std::size_t slot = by_order(piece, calls);
    return slot < calls.size() && is_another(slot, piece, calls) ? calls.size() : slot;
}

std::size_t ToolCallAssembler::by_index(std::int64_t index, const ToolCallDelta& piece,
                                        const std::vector<ToolCall>& calls) {
    const auto known = piece.id.empty() ? by_id_.end() : by_id_.find(piece.id);
    const auto [at, is_new] = by_index_.try_emplace(index, calls.size());
    // Some providers count pieces in the index: a piece without a name is assigned by its id. With a name it is a
    // separate call, even if it shares its id with others.
    if (is_new) return at->second = known != by_id_.end() && piece.name.empty() ? known->second : calls.size();
    if (known != by_id_.end() && known->second != at->second) {
        const ToolCall& named = calls[known->second];
        if (piece.name.empty() || named.name.empty() || named.name == piece.name) at->second = known->second;
    }
    if (is_another(at->second, piece, calls)) at->second = calls.size();
    return at->second;
}

/// Assigns a piece without an index. A provider that sends neither index nor id (Gemini) sends whole calls, so a second
/// name is a second call.
std::size_t ToolCallAssembler::by_order(const ToolCallDelta& piece, const std::vector<ToolCall>& calls) const {
    if (calls.empty()) return 0;
    const ToolCall& last = calls[last_];
    if (!piece.id.empty()) {
        if (const auto known = by_id_.find(piece.id); known != by_id_.end()) return known->second;
        if (last.name.empty() && !states_[last_].has_id) return last_;
        if (!piece.name.empty()) return continues_open_text(last_, piece, last) ? last_ : calls.size();
        const bool waits = last.arguments.empty() || states_[last_].arguments.is_open();
        return !last.name.empty() && !piece.arguments.empty() && waits ? last_ : calls.size();
    }
    if (piece.name.empty() || last.name.empty()) return last_;
    return continues_open_text(last_, piece, last) ? last_ : calls.size();
}

/// For providers that repeat the name with every piece.
bool ToolCallAssembler::continues_open_text(std::size_t slot, const ToolCallDelta& piece, const ToolCall& call) const {
    return piece.name == call.name && states_[slot].arguments.is_open() && !piece.arguments.empty() &&
           !ToolArguments::begins_object(piece.arguments);
}

bool ToolCallAssembler::is_another(std::size_t slot, const ToolCallDelta& piece,
                                   const std::vector<ToolCall>& calls) const {
    if (!piece.name.empty()) return names_another(slot, piece, calls);
    const ToolCall& call = calls[slot];
    if (piece.id.empty() || is_known_as(slot, piece.id) || !states_[slot].has_id || !piece.index) return false;
    if (call.name.empty()) return true;
    // The text cannot continue here, and the id is new: this call's name will come late.
    const ToolArguments& text = states_[slot].arguments;
    return call.type != "custom" && text.is_open() && ToolArguments::begins_object(piece.arguments) &&
           !text.takes_object() && piece.arguments.substr(0, call.arguments.size()) != call.arguments;
}

bool ToolCallAssembler::names_another(std::size_t slot, const ToolCallDelta& piece,
                                      const std::vector<ToolCall>& calls) const {
    const ToolCall& call = calls[slot];
    const State& state = states_[slot];
    const bool whole = state.arguments.is_whole() && call.type != "custom";
    const bool same_id = !piece.id.empty() && is_known_as(slot, piece.id);
    const bool new_id = !piece.id.empty() && !same_id && state.has_id;
    if (call.name.empty()) return new_id;
    const bool repeats = ToolArguments::same_text(piece.arguments, call.arguments);
    const bool placeholder = ToolArguments::is_placeholder(call.arguments);
    if (piece.name != call.name) return same_id ? whole : true;
    if (same_id) return whole && !placeholder && !repeats && ToolArguments::begins_object(piece.arguments);
    if (new_id) return !continues_open_text(slot, piece, call);
    // The same name again, without an id that shows whether it is the same call.
    if (!whole || piece.arguments.empty()) return false;
    if (repeats) return state.chunk == chunk_;
    if (!placeholder) return true;
    ToolArguments read;
    std::string text, other;
    read.add(text, piece.arguments, false, other);
    return read.is_whole();
}

std::size_t ToolCallAssembler::open(std::vector<ToolCall>& calls, std::string_view id, std::string_view name) {
    const std::size_t slot = calls.size();
    ToolCall& call = calls.emplace_back();
    call.type.clear();
    call.name = name;
    // With another call's id, a result would be ambiguous: this call gets a new id.
    State& state = states_.emplace_back();
    state.has_id = !id.empty();
    if (state.has_id && by_id_.emplace(id, slot).second) call.id = id;
    return slot;
}

std::size_t ToolCallAssembler::add_to(std::size_t slot, const ToolCallDelta& piece, std::vector<ToolCall>& calls) {
    if (slot == calls.size()) open(calls, piece.id, piece.name);
    ToolCall& call = calls[slot];
    State& state = states_[slot];
    if (call.type.empty()) call.type = piece.type;
    const bool new_id = !piece.id.empty() && !is_known_as(slot, piece.id);
    if (call.name.empty()) {
        call.name = piece.name;
    } else if (state.arguments.is_whole()) {
        if (!piece.name.empty()) state.next_name = piece.name;
        if (new_id) state.next_id = piece.id;
    }
    if (new_id && !state.has_id) {
        state.has_id = true;
        if (by_id_.emplace(piece.id, slot).second && call.id.empty()) call.id = piece.id;
    } else if (new_id && state.next_id.empty()) {
        by_id_.emplace(piece.id, slot);  // an additional id of the same call
    }
    state.chunk = chunk_;
    if (call.type == "custom") {
        call.arguments += piece.arguments;
    } else if (!piece.arguments.empty()) {
        std::string other;
        const auto meaning = state.arguments.add(call.arguments, piece.arguments, !state.reported, other);
        if (meaning == ToolArguments::Piece::begins_other) return open_next(slot, piece, other, calls);
    }
    return slot;
}

/// Opens a call that was recognised by its arguments only. A missing name is not guessed, because it may still come.
std::size_t ToolCallAssembler::open_next(std::size_t slot, const ToolCallDelta& piece, std::string_view arguments,
                                         std::vector<ToolCall>& calls) {
    const std::string name = std::exchange(states_[slot].next_name, {});
    const std::string id = std::exchange(states_[slot].next_id, {});
    const std::size_t next = open(calls, id, name);
    calls[next].type = piece.type;
    states_[next].chunk = chunk_;
    std::string none;
    states_[next].arguments.add(calls[next].arguments, arguments, true, none);
    if (piece.index) by_index_[std::max<std::int64_t>(*piece.index, 0)] = next;
    return next;
}

}  // namespace holysheep::wire
