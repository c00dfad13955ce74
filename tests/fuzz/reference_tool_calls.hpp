// A slow implementation of the rules that assign pieces to tool calls: linear searches, and a rescan of the text each
// time. The reference of ToolCallAssembler.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reference_json.hpp"
#include "wire/answer_fields.hpp"

namespace holysheep::fuzz {

struct ReferenceCall {
    std::string id{}, type{}, name{}, arguments{};
    std::string read{};      ///< arguments that came while the type was not "custom"
    std::string repeated{};  ///< a repetition of complete arguments, as far as it has come
    std::string next_name{}, next_id{};
    std::size_t chunk = 0;
    bool has_id = false, reported = false, is_cumulative = false;

    bool is_custom() const { return type == "custom"; }
    bool begins_like_object() const { return starts_with(stripped(read), "{"); }
    /// Whether the object at the beginning has closed.
    bool is_whole() const { return begins_like_object() && reference_end(stripped(read)) != std::string_view::npos; }
    bool is_open() const { return begins_like_object() && !is_whole(); }
    /// Inside a string, or after a character that a value may follow.
    bool takes_object() const {
        const ReferenceOutline outline = outline_of(read);
        if (outline.in_string) return true;
        const std::string_view outside = stripped(outline.outside);
        return !outside.empty() && std::string_view(":,[").find(outside.back()) != std::string_view::npos;
    }
    bool is_placeholder() const {
        const std::string_view text = stripped(arguments);
        if (text == "null") return true;
        return text.size() > 1 && text.front() == '{' && text.back() == '}' &&
               stripped(text.substr(1, text.size() - 2)).empty();
    }

  private:
    /// Like reference_end_of_json, but allows line breaks in strings.
    static std::size_t reference_end(std::string_view text) {
        for (std::size_t end = 1; end <= text.size(); ++end) {
            const ReferenceOutline outline = outline_of(text.substr(0, end));
            const bool closes = !outline.in_string && (text[end - 1] == '}' || text[end - 1] == ']');
            if (closes && outline.depth() == 0) return end;
        }
        return std::string_view::npos;
    }
};

class ReferenceToolCalls {
  public:
    std::vector<ReferenceCall> calls{};

    void begin_chunk() { ++chunk_; }

    std::size_t add(const wire::ToolCallDelta& piece) {
        const std::size_t slot = slot_of(piece);
        if (slot == calls.size()) open(piece.id, piece.name);
        return last_ = put(slot, piece);
    }

  private:
    std::optional<std::size_t> slot_with_id(std::string_view id) const {
        for (const auto& [known, slot] : ids_) {
            if (known == id) return slot;
        }
        return std::nullopt;
    }
    bool slot_has_id(std::size_t slot, std::string_view id) const { return !id.empty() && slot_with_id(id) == slot; }
    /// An id belongs to the call that had it first. Returns whether that is this call.
    bool register_id(std::string_view id, std::size_t slot) {
        if (slot_with_id(id)) return false;
        ids_.emplace_back(id, slot);
        return true;
    }

    std::size_t slot_of(const wire::ToolCallDelta& piece) {
        if (!piece.index) {
            const std::size_t slot = slot_by_order(piece);
            return slot < calls.size() && is_another(slot, piece) ? calls.size() : slot;
        }
        const std::int64_t index = std::max<std::int64_t>(*piece.index, 0);
        const auto named = piece.id.empty() ? std::nullopt : slot_with_id(piece.id);
        const auto at =
            std::find_if(indexes_.begin(), indexes_.end(), [index](const auto& entry) { return entry.first == index; });
        if (at == indexes_.end()) {
            const std::size_t slot = named && piece.name.empty() ? *named : calls.size();
            indexes_.emplace_back(index, slot);
            return slot;
        }
        if (named && (piece.name.empty() || calls[*named].name.empty() || calls[*named].name == piece.name))
            at->second = *named;
        if (is_another(at->second, piece)) at->second = calls.size();
        return at->second;
    }

    std::size_t slot_by_order(const wire::ToolCallDelta& piece) const {
        if (calls.empty()) return 0;
        const ReferenceCall& last = calls[last_];
        const bool has_id = !piece.id.empty(), has_name = !piece.name.empty();
        if (has_id) {
            if (const auto slot = slot_with_id(piece.id)) return *slot;
            if (last.name.empty() && !last.has_id) return last_;
        }
        if (has_name && (has_id || !last.name.empty())) return continues(last, piece) ? last_ : calls.size();
        if (!has_id) return last_;
        const bool waits = last.arguments.empty() || last.is_open();
        return !last.name.empty() && !piece.arguments.empty() && waits ? last_ : calls.size();
    }

    /// Whether the piece repeats the name and continues an incomplete text.
    static bool continues(const ReferenceCall& call, const wire::ToolCallDelta& piece) {
        return piece.name == call.name && call.is_open() && !piece.arguments.empty() &&
               !starts_with(stripped(piece.arguments), "{");
    }

    bool is_another(std::size_t slot, const wire::ToolCallDelta& piece) const {
        const ReferenceCall& call = calls[slot];
        const bool same_id = slot_has_id(slot, piece.id);
        const bool new_id = !piece.id.empty() && !same_id && call.has_id;
        const bool begins = starts_with(stripped(piece.arguments), "{");
        if (piece.name.empty()) {
            if (!new_id || !piece.index) return false;
            if (call.name.empty()) return true;
            return !call.is_custom() && call.is_open() && begins && !call.takes_object() &&
                   !starts_with(piece.arguments, call.arguments);
        }
        if (call.name.empty()) return new_id;
        const bool whole = call.is_whole() && !call.is_custom();
        const bool repeats = stripped(piece.arguments) == stripped(call.arguments);
        if (piece.name != call.name) return whole || !same_id;
        if (same_id) return whole && begins && !repeats && !call.is_placeholder();
        if (new_id) return !continues(call, piece);
        if (!whole || piece.arguments.empty()) return false;
        if (repeats) return call.chunk == chunk_;
        ReferenceCall alone;
        alone.read = piece.arguments;
        return !call.is_placeholder() || alone.is_whole();
    }

    void open(std::string_view id, std::string_view name) {
        const std::size_t slot = calls.size();
        ReferenceCall& call = calls.emplace_back();
        call.name = name;
        call.has_id = !id.empty();
        if (call.has_id && register_id(id, slot)) call.id = id;
    }

    std::size_t put(std::size_t slot, const wire::ToolCallDelta& piece) {
        ReferenceCall& call = calls[slot];
        if (call.type.empty()) call.type = piece.type;
        const bool new_id = !piece.id.empty() && !slot_has_id(slot, piece.id);
        if (call.name.empty()) {
            call.name = piece.name;
        } else if (call.is_whole()) {
            if (!piece.name.empty()) call.next_name = piece.name;
            if (new_id) call.next_id = piece.id;
        }
        if (new_id && !call.has_id) {
            call.has_id = true;
            if (register_id(piece.id, slot) && call.id.empty()) call.id = piece.id;
        } else if (new_id && call.next_id.empty()) {
            register_id(piece.id, slot);
        }
        call.chunk = chunk_;
        if (call.is_custom()) {
            call.arguments += piece.arguments;
            return slot;
        }
        if (piece.arguments.empty()) return slot;
        const auto other = put_arguments(call, std::string(piece.arguments));
        if (!other) return slot;
        const std::string id = std::exchange(call.next_id, ""), name = std::exchange(call.next_name, "");
        const std::size_t next = calls.size();
        open(id, name);
        calls[next].type = piece.type;
        calls[next].chunk = chunk_;
        put_arguments(calls[next], *other);
        for (auto& entry : indexes_) {
            if (piece.index && entry.first == std::max<std::int64_t>(*piece.index, 0)) entry.second = next;
        }
        return next;
    }

    static void append(ReferenceCall& call, const std::string& piece) {
        call.arguments += piece;
        call.read += piece;
    }

    /// Adds a piece; returns the arguments of a new call if the piece begins one.
    static std::optional<std::string> put_arguments(ReferenceCall& call, const std::string& piece) {
        const std::string text = call.arguments;
        if (!call.repeated.empty()) {
            const std::string so_far = std::exchange(call.repeated, "") + piece;
            if (!starts_with(text, so_far)) return so_far;
            if (so_far != text) call.repeated = so_far;
            return std::nullopt;
        }
        const bool begins = starts_with(stripped(piece), "{");
        if (!begins || stripped(text).empty()) {
            append(call, piece);
        } else if (call.is_placeholder() && stripped(piece) == "{}") {
            return std::nullopt;  // a repeated placeholder
        } else if (call.is_placeholder() && !call.reported) {
            call.arguments = call.read = piece;
            call.is_cumulative = false;
        } else if (call.is_whole()) {
            if (stripped(piece) == stripped(text)) return std::nullopt;
            if (!starts_with(text, piece)) return piece;
            call.repeated = piece;
        } else if (repeats_text(call, piece)) {
            call.is_cumulative = true;
            append(call, piece.substr(text.size()));
        } else {
            append(call, piece);
        }
        return std::nullopt;
    }

    static bool repeats_text(const ReferenceCall& call, const std::string& piece) {
        if (!call.begins_like_object() || !starts_with(piece, call.arguments)) return false;
        if (call.is_cumulative) return true;
        if (!outline_of(call.read).in_string) return !call.takes_object();
        // The quote would end the string, and after a string comes punctuation.
        if (!starts_with(piece, "{\"") || piece.size() == 2) return false;
        return !is_space(piece[2]) && std::string_view(":,]}").find(piece[2]) == std::string_view::npos;
    }

    std::vector<std::pair<std::string, std::size_t>> ids_{};
    std::vector<std::pair<std::int64_t, std::size_t>> indexes_{};
    std::size_t last_ = 0, chunk_ = 0;
};

}  // namespace holysheep::fuzz
