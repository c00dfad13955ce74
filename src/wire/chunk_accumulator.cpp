// Accumulates chunks: text is appended; names and ids are set once; reasons, roles and usage are replaced. Nothing else
// is merged, because a general merge would double values that providers repeat on every chunk.
#include "wire/chunk_accumulator.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "wire/citations.hpp"
#include "wire/finish_reasons.hpp"
#include "wire/reasoning_blocks.hpp"

namespace holysheep::wire {
namespace {

void set_once(std::string& into, std::string_view value) {
    if (into.empty() && !value.empty()) into = value;
}

Role role_from(std::string_view name, Role otherwise) {
    if (name.empty()) return otherwise;
    if (name == "assistant") return Role::assistant;
    if (name == "user") return Role::user;
    if (name == "system") return Role::system;
    if (name == "developer") return Role::developer;
    return name == "tool" ? Role::tool : otherwise;
}

/// Some providers send calls without an id, but the tool's result has to name one.
std::string invented_call_id() {
    thread_local std::mt19937_64 random{(std::uint64_t{std::random_device{}()} << 32U) | std::random_device{}()};
    std::string id = "call_";
    for (int digit = 0; digit < 24; ++digit) id += "0123456789abcdef"[random() & 15U];
    return id;
}

void complete_call(ToolCall& call) {
    if (call.id.empty()) call.id = invented_call_id();
    if (call.type.empty()) call.type = "function";
}

std::string tool_call_json(const ToolCall& call, const JsonMembers& extra, const JsonMembers& body_extra) {
    if (call.type == "function" && extra.empty() && body_extra.empty()) return {};
    std::string out = "{\"id\":";
    append_json_string(out, call.id);
    out += ",\"type\":";
    append_json_string(out, call.type);
    if (call.type == "function" || call.type == "custom") {
        out += call.type == "custom" ? ",\"custom\":{\"name\":" : ",\"function\":{\"name\":";
        append_json_string(out, call.name);
        out += call.type == "custom" ? ",\"input\":" : ",\"arguments\":";
        append_json_string(out, call.arguments);
        body_extra.append_to(out);
        out += '}';
    }
    extra.append_to(out);
    out += '}';
    return out;
}

/// The part of a repeated text that is new. A text that differs from the previous one adds nothing, because reported
/// events cannot be revoked.
std::string_view beyond(std::string_view so_far, std::string_view whole) {
    return whole.substr(0, so_far.size()) == so_far ? whole.substr(so_far.size()) : std::string_view();
}

bool is_reasoning_block(std::string_view name) { return name == "reasoning_details" || name == "thinking_blocks"; }

bool is_joined(std::string_view name) {
    return is_reasoning_block(name) || name == "annotations" || name == "images" || name == "files" ||
           name == "videos" || name == "content_parts";
}

}  // namespace

ChunkSink::~ChunkSink() = default;

ChunkAccumulator::Added ChunkAccumulator::add(const AnswerFields& fields, std::string_view raw, ChunkSink* sink) {
    sink_ = sink;
    raw_ = raw;
    told_any_ = false;
    if (sink_ != nullptr) sink_->on_wire_chunk();
    const auto is_bad = [](const ChoiceDelta& delta) { return delta.index < 0 || delta.index >= kMaxChoices; };
    if (std::any_of(fields.choices.begin(), fields.choices.end(), is_bad)) return Added::bad_choice_index;

    add_top(fields);
    find_positions(fields);
    if (!started_ && !fields.choices.empty()) {
        started_ = true;
        tell({.event = ChunkEvent::started, .choice = static_cast<int>(fields.choices.front().index)});
    }
    slots_.clear();
    next_media_ = 0;
    for (std::size_t delta = 0; delta < fields.choices.size(); ++delta) {
        const bool repeated = repeats(fields, delta);
        add_choice(fields, delta, repeated);
        if (!add_tool_calls(fields, delta, repeated)) return Added::too_large;
        if (const auto reason = fields.choices[delta].finish_reason; !reason.empty())
            add_finish(positions_[delta], reason);
    }
    for (const LooseMember& member : fields.loose) bytes_ += add_loose(member, fields);
    if (fields.has_usage) {
        completion_.usage = fields.usage;
        tell({.event = ChunkEvent::usage, .usage = &completion_.usage});
    }
    if (!told_any_) tell({.event = ChunkEvent::other});
    return bytes_ > max_bytes_ ? Added::too_large : Added::ok;
}

void ChunkAccumulator::add_top(const AnswerFields& fields) {
    set_once(completion_.id, fields.id);
    set_once(completion_.model, fields.model);
    set_once(completion_.service_tier, fields.service_tier);
    set_once(completion_.system_fingerprint, fields.system_fingerprint);
    if (completion_.created == 0) completion_.created = fields.created;
}

void ChunkAccumulator::find_positions(const AnswerFields& fields) {
    // Adding a choice may move the others; then look up their positions again.
    for (std::size_t known = SIZE_MAX; known != completion_.choices.size();) {
        known = completion_.choices.size();
        positions_.clear();
        for (const ChoiceDelta& delta : fields.choices) positions_.push_back(position_of(delta.index));
    }
}

/// The position of the choice; a new one is inserted in the order of indexes.
std::size_t ChunkAccumulator::position_of(std::int64_t index) {
    auto& choices = completion_.choices;
    // Nearly all answers have one choice.
    if (!choices.empty() && choices.front().index == index) return 0;
    const auto before = [](const Choice& choice, std::int64_t wanted) { return choice.index < wanted; };
    const auto at = std::lower_bound(choices.begin(), choices.end(), index, before);
    const auto position = at - choices.begin();
    if (at != choices.end() && at->index == index) return static_cast<std::size_t>(position);
    Choice& choice = *choices.emplace(at);
    choice.index = static_cast<int>(index);
    choice.message.role = Role::assistant;
    states_.emplace(states_.begin() + position);
    return static_cast<std::size_t>(position);
}

void ChunkAccumulator::add_choice(const AnswerFields& fields, std::size_t delta, bool repeated) {
    const ChoiceDelta& from = fields.choices[delta];
    const std::size_t position = positions_[delta];
    Message& message = completion_.choices[position].message;
    message.role = role_from(from.role, message.role);
    set_once(message.reasoning_name, from.reasoning_name);
    const auto add = [&](ChunkEvent event, std::string_view text, std::string& into) {
        if (!text.empty()) add_text(event, position, repeated ? beyond(into, text) : text, into);
    };
    add(ChunkEvent::reasoning, from.reasoning, message.reasoning);
    add(ChunkEvent::content, from.content, message.content);
    add(ChunkEvent::refusal, from.refusal, message.refusal);
    const bool has_media = next_media_ < fields.media.size() && add_media(fields, delta, repeated);
    const bool says_something = !from.content.empty() || !from.reasoning.empty() || !from.refusal.empty() || has_media;
    if (says_something && !from.is_message) states_[position].by_deltas = true;
}

/// The bytes of media count where they are stored, with the loose members.
bool ChunkAccumulator::add_media(const AnswerFields& fields, std::size_t delta, bool repeated) {
    const std::size_t first = next_media_;
    for (; next_media_ < fields.media.size() && fields.media[next_media_].choice == delta; ++next_media_) {
        const MediaDelta& media = fields.media[next_media_];
        if (repeated) continue;
        has_content_ = has_media_ = true;
        ++progress_;
        tell({.event = ChunkEvent::media,
              .choice = completion_.choices[positions_[delta]].index,
              .text = media.text,
              .media = media.kind});
    }
    return next_media_ > first;
}

/// MiniMax ends its streams with the whole message, after all of its deltas. Without earlier deltas, the messages are
/// the answer.
bool ChunkAccumulator::repeats(const AnswerFields& fields, std::size_t delta) const {
    const ChoiceState& state = states_[positions_[delta]];
    return fields.choices[delta].is_message && (state.by_deltas || !state.calls.empty());
}

void ChunkAccumulator::add_text(ChunkEvent event, std::size_t position, std::string_view text, std::string& into) {
    if (text.empty()) return;
    bytes_ += text.size();
    into += text;
    has_content_ = true;
    ++progress_;
    tell({.event = event, .choice = completion_.choices[position].index, .text = text});
}

/// Returns false once there is too much: one chunk may contain a million calls.
bool ChunkAccumulator::add_tool_calls(const AnswerFields& fields, std::size_t delta, bool repeated) {
    const std::size_t first = slots_.size();
    if (first == fields.tool_calls.size() || fields.tool_calls[first].choice != delta) return true;
    ChoiceState& state = states_[positions_[delta]];
    state.assembler.begin_chunk();
    const std::size_t known = repeated ? state.calls.size() : 0;
    while (slots_.size() < fields.tool_calls.size() && fields.tool_calls[slots_.size()].choice == delta) {
        const std::size_t number = slots_.size() - first;
        slots_.push_back(number < known ? number : add_tool_call(fields.tool_calls[slots_.size()], positions_[delta]));
        if (bytes_ > max_bytes_) return false;
    }
    return true;
}

std::size_t ChunkAccumulator::add_tool_call(const ToolCallDelta& delta, std::size_t position) {
    auto& calls = completion_.choices[position].message.tool_calls;
    ChoiceState& state = states_[position];
    const std::size_t slot = state.assembler.add(delta, calls);
    const bool opened = slot == state.calls.size();
    if (opened) {
        state.calls.emplace_back();
        bytes_ += sizeof(ToolCall) + sizeof(CallState) + ToolCallAssembler::kBytesPerCall;
    }
    bytes_ += delta.arguments.size() + delta.name.size() + delta.id.size();
    if (!delta.arguments.empty() || opened) ++progress_;
    report_tool_call(position, slot, false);
    return slot;
}

/// Reports the name and the id once, with all arguments that arrived before the name, then each piece as it arrives. A
/// placeholder for the arguments is held back, because reported events cannot be revoked.
void ChunkAccumulator::report_tool_call(std::size_t position, std::size_t slot, bool is_last) {
    Choice& choice = completion_.choices[position];
    ToolCall& call = choice.message.tool_calls[slot];
    ChoiceState& choice_state = states_[position];
    CallState& state = choice_state.calls[slot];
    const bool nameless = call.name.empty() && !is_last;
    const bool placeholder = !is_last && choice_state.assembler.may_be_replaced(slot, call);
    const std::size_t ready = nameless || placeholder ? state.reported_bytes : call.arguments.size();
    const bool held = nameless || ready < call.arguments.size();
    if (held != std::exchange(state.held, held)) held ? ++choice_state.held_calls : --choice_state.held_calls;
    if (nameless || (state.reported && ready == state.reported_bytes)) return;
    ChatChunk chunk{
        .event = ChunkEvent::tool_call,
        .choice = choice.index,
        .tool_index = static_cast<int>(slot),
        .tool_arguments = std::string_view(call.arguments).substr(state.reported_bytes, ready - state.reported_bytes)};
    if (!std::exchange(state.reported, true)) {
        complete_call(call);
        chunk.tool_id = call.id;
        chunk.tool_name = call.name;
    }
    if (ready > 0) choice_state.assembler.set_reported(slot);
    state.reported_bytes = ready;
    has_content_ = true;
    tell(chunk);
}

/// A missing name is awaited until the end of its choice.
void ChunkAccumulator::tell_held_calls(std::size_t position) {
    const auto& calls = states_[position].calls;
    for (std::size_t slot = 0; states_[position].held_calls > 0 && slot < calls.size(); ++slot) {
        if (calls[slot].held) report_tool_call(position, slot, true);
    }
}

void ChunkAccumulator::add_finish(std::size_t position, std::string_view reason) {
    Choice& choice = completion_.choices[position];
    const FinishReason meaning = finish_reason_from(reason);
    // A failure is not reported as a finish, because its error may still follow; see StreamDecoder.
    if (meaning != FinishReason::error) tell_held_calls(position);
    if (choice.finish_reason_text == reason) return;
    choice.finish_reason_text = reason;
    choice.finish_reason = meaning;
    if (meaning == FinishReason::error) return;
    ++progress_;
    tell({.event = ChunkEvent::finish, .choice = choice.index, .finish_reason = choice.finish_reason});
}

/// Returns an upper bound of the bytes by which the answer has grown.
std::size_t ChunkAccumulator::add_loose(const LooseMember& member, const AnswerFields& fields) {
    const auto state = [&](std::size_t choice) -> ChoiceState& { return states_[positions_[choice]]; };
    const auto put = [&](JsonMembers& into, bool joined) {
        joined = joined && !repeats(fields, member.owner);
        return joined ? into.append(member.name, member.json) : into.set(member.name, member.json);
    };
    switch (member.scope) {
        case MemberScope::answer: return extra_.set(member.name, member.json);
        case MemberScope::choice: return put(state(member.owner).extra, is_joined(member.name));
        case MemberScope::message:
            if (is_reasoning_block(member.name)) ++state(member.owner).reasoning_pieces;
            return put(state(member.owner).message_extra, is_joined(member.name));
        case MemberScope::logprobs: return put(state(member.owner).logprobs, true);
        case MemberScope::audio:
            return put(state(member.owner).audio, member.name == "data" || member.name == "transcript");
        case MemberScope::function_call: return put(state(member.owner).function_call, member.name == "arguments");
        case MemberScope::tool_call:
        case MemberScope::tool_body: {
            const std::size_t choice = fields.tool_calls[member.owner].choice;
            CallState& call = state(choice).calls[slots_[member.owner]];
            JsonMembers& extra = member.scope == MemberScope::tool_call ? call.extra : call.body_extra;
            return extra.set(member.name, member.json);
        }
    }
    return 0;
}

void ChunkAccumulator::tell(ChatChunk chunk) {
    told_any_ = true;
    if (sink_ == nullptr) return;
    chunk.raw_json = raw_;
    sink_->on_chunk(chunk);
}

bool ChunkAccumulator::all_finished() const {
    const auto finished = [](const Choice& choice) { return !choice.finish_reason_text.empty(); };
    return has_choices() && std::all_of(completion_.choices.begin(), completion_.choices.end(), finished);
}

bool ChunkAccumulator::has_open_tool_call() const {
    const auto open = [](const Choice& choice) {
        return choice.finish_reason_text.empty() && !choice.message.tool_calls.empty();
    };
    return std::any_of(completion_.choices.begin(), completion_.choices.end(), open);
}

std::string_view ChunkAccumulator::failure_reason() const {
    const auto failed = [](const Choice& choice) { return choice.finish_reason == FinishReason::error; };
    const auto found = std::find_if(completion_.choices.begin(), completion_.choices.end(), failed);
    return found == completion_.choices.end() ? std::string_view() : std::string_view(found->finish_reason_text);
}

void ChunkAccumulator::seal(ChunkSink* sink) {
    if (sealed_) return;
    sealed_ = true;
    sink_ = sink;
    raw_ = {};
    for (std::size_t position = 0; position < states_.size(); ++position) {
        if (sink != nullptr) tell_held_calls(position);
        seal_choice(position);
    }
    completion_.extra_json = extra_.to_object();
}

void ChunkAccumulator::seal_choice(std::size_t position) {
    Choice& choice = completion_.choices[position];
    ChoiceState& state = states_[position];
    auto& calls = choice.message.tool_calls;
    for (std::size_t slot = 0; slot < calls.size(); ++slot) {
        complete_call(calls[slot]);
        calls[slot].raw_json = tool_call_json(calls[slot], state.calls[slot].extra, state.calls[slot].body_extra);
    }
    choice.citations = read_citations(state.extra.get("annotations"));
    if (!state.audio.empty()) {
        // Audio answers are referred to by their id; their data is not sent back.
        if (const auto id = state.audio.get("id"); !id.empty())
            state.message_extra.set("audio", "{\"id\":" + std::string(id) + "}");
        state.extra.set("audio", state.audio.to_object());
    }
    if (!state.function_call.empty()) state.message_extra.set("function_call", state.function_call.to_object());
    // Only blocks of a stream come in fragments.
    if (state.reasoning_pieces > 1) {
        for (const std::string_view name : {"reasoning_details", "thinking_blocks"}) {
            const std::string_view blocks = state.message_extra.get(name);
            if (!blocks.empty()) state.message_extra.set(name, join_reasoning_blocks(blocks));
        }
    }
    choice.message.extra_json = state.message_extra.to_object();
    choice.extra_json = state.extra.to_object();
    choice.logprobs_json = state.logprobs.to_object();
}

}  // namespace holysheep::wire
