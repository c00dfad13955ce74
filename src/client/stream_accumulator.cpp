// Accumulates streams: bytes and chunks go through the decoder of the client's streams; events are appended directly.
#include <holysheep/stream_accumulator.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "wire/json_writer.hpp"
#include "wire/stream_decoder.hpp"

namespace holysheep {
inline namespace v0 {

class StreamAccumulator::Impl final : public wire::ChunkSink {
  public:
    explicit Impl(std::function<void(const ChatChunk&)> on_chunk)
        : on_chunk_(std::move(on_chunk)), decoder_({}, static_cast<wire::ChunkSink&>(*this)) {}

    void on_chunk(const ChatChunk& chunk) override {
        if (on_chunk_) on_chunk_(chunk);
    }

    bool feed(std::string_view bytes) { return decoder_.feed(bytes) == wire::StreamDecoder::State::open; }

    bool add_json(std::string_view chunk) {
        event_ = "data: ";
        event_ += chunk;
        // In JSON, line breaks occur only between tokens, as white space.
        std::replace_if(
            event_.begin(), event_.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
        event_ += "\n\n";
        return feed(event_);
    }

    void add_event(const ChatChunk& event) {
        by_events_ = true;
        switch (event.event) {
            case ChunkEvent::restarted:
                assembled_ = {};
                media_.clear();
                return;
            case ChunkEvent::usage:
                if (event.usage != nullptr) assembled_.usage = *event.usage;
                return;
            case ChunkEvent::keep_alive:
            case ChunkEvent::other: return;
            case ChunkEvent::started: return read_ids(event.raw_json);
            case ChunkEvent::content: choice(event).message.content += event.text; return;
            case ChunkEvent::reasoning: choice(event).message.reasoning += event.text; return;
            case ChunkEvent::refusal: choice(event).message.refusal += event.text; return;
            case ChunkEvent::finish:
                choice(event).finish_reason = event.finish_reason;
                choice(event).finish_reason_text = to_string(event.finish_reason);
                if (event.finish_reason == FinishReason::other) read_reason(event);
                return;
            case ChunkEvent::media: return add_media(event);
            case ChunkEvent::tool_call: break;
        }
        auto& calls = choice(event).message.tool_calls;
        if (event.tool_index < 0) return;
        const auto index = static_cast<std::size_t>(event.tool_index);
        if (index > calls.size()) return;  // calls arrive in the order of their first appearance
        if (index == calls.size()) calls.emplace_back();
        auto& call = calls[index];
        if (call.id.empty()) call.id = event.tool_id;
        if (call.name.empty()) call.name = event.tool_name;
        call.arguments += event.tool_arguments;
    }

    const ChatCompletion& so_far() const { return by_events_ ? assembled_ : decoder_.completion(); }

    Result<ChatCompletion> finish() {
        if (by_events_) return finish_events();
        if (decoder_.end_of_body(true) == wire::StreamDecoder::State::complete) return decoder_.take_completion();
        auto error = decoder_.error();
        error.http_status = error.effective_status = 0;
        if (decoder_.has_content()) error.partial = std::make_shared<ChatCompletion>(decoder_.take_completion());
        return error;
    }

  private:
    Choice& choice(const ChatChunk& event) {
        auto& choices = assembled_.choices;
        const auto at = std::ranges::lower_bound(choices, event.choice, {}, &Choice::index);
        if (at != choices.end() && at->index == event.choice) return *at;
        return *choices.insert(at, {.index = event.choice, .message = {.role = Role::assistant}});
    }

    /// Sets the members that the decoder sets for a stream of chunks.
    void add_media(const ChatChunk& event) {
        choice(event);
        Media& media = media_[event.choice];
        std::string text;
        switch (event.media) {
            case MediaKind::audio:
            case MediaKind::transcript:
                wire::append_json_string(text, event.text);
                media.audio.append(event.media == MediaKind::audio ? "data" : "transcript", text);
                return;
            case MediaKind::image:
                text = "[{\"type\":\"image_url\",\"image_url\":{\"url\":";
                wire::append_json_string(text, event.text);
                media.extra.append("images", text + "}}]");
                return;
            case MediaKind::file: media.extra.append("files", "[" + std::string(event.text) + "]"); return;
            case MediaKind::none: return;
        }
    }

    void write_media() {
        for (auto& [index, media] : media_) {
            if (!media.audio.empty()) media.extra.set("audio", media.audio.to_object());
            for (Choice& one : assembled_.choices) {
                if (one.index == index) one.extra_json = media.extra.to_object();
            }
        }
    }

    void read_ids(std::string_view chunk) {
        StreamAccumulator reader;
        reader.add_json(chunk);
        const auto& first = reader.so_far();
        assembled_.id = first.id;
        assembled_.model = first.model;
        assembled_.created = first.created;
        assembled_.service_tier = first.service_tier;
        assembled_.system_fingerprint = first.system_fingerprint;
    }

    /// The reason as sent is only in the raw chunk.
    void read_reason(const ChatChunk& event) {
        StreamAccumulator reader;
        reader.add_json(event.raw_json);
        for (const auto& read : reader.so_far().choices) {
            if (read.index == event.choice && !read.finish_reason_text.empty())
                choice(event).finish_reason_text = read.finish_reason_text;
        }
    }

    Result<ChatCompletion> finish_events() {
        write_media();
        const bool whole = !assembled_.choices.empty() && std::ranges::all_of(assembled_.choices, [](const Choice& c) {
            return c.finish_reason != FinishReason::none && c.finish_reason != FinishReason::error;
        });
        if (whole) return std::move(assembled_);
        Error error{.code = ErrorCode::stream_interrupted,
                    .message = "the stream ended before the answer was finished"};
        if (!assembled_.choices.empty()) error.partial = std::make_shared<ChatCompletion>(std::move(assembled_));
        return error;
    }

    std::function<void(const ChatChunk&)> on_chunk_;
    wire::StreamDecoder decoder_;
    std::string event_{};
    ChatCompletion assembled_{};
    struct Media {
        wire::JsonMembers audio{}, extra{};
    };
    std::map<int, Media> media_{};  ///< by the choice's index
    bool by_events_ = false;
};

StreamAccumulator::StreamAccumulator(std::function<void(const ChatChunk&)> on_chunk)
    : impl_(std::make_unique<Impl>(std::move(on_chunk))) {}
StreamAccumulator::StreamAccumulator(StreamAccumulator&&) noexcept = default;
StreamAccumulator& StreamAccumulator::operator=(StreamAccumulator&&) noexcept = default;
StreamAccumulator::~StreamAccumulator() = default;

bool StreamAccumulator::add_bytes(std::string_view bytes) { return impl_->feed(bytes); }
bool StreamAccumulator::add_json(std::string_view chunk) { return impl_->add_json(chunk); }
void StreamAccumulator::add_event(const ChatChunk& event) { impl_->add_event(event); }
const ChatCompletion& StreamAccumulator::so_far() const { return impl_->so_far(); }
Result<ChatCompletion> StreamAccumulator::finish() { return impl_->finish(); }

}  // namespace v0
}  // namespace holysheep
