// Swaps two batches: the I/O thread fills one while the reader empties the other.
#include "execution/stream_queue.hpp"

#include <utility>

namespace holysheep::execution {

namespace {
// Bytes that may be queued for a slow reader before its socket is paused.
constexpr std::size_t kHighWaterMark = 256 * 1024;
}  // namespace

ChunkBatch::Span ChunkBatch::store(std::string_view view) {
    const Span span{text_.size(), view.size()};
    text_.append(view);
    return span;
}

void ChunkBatch::add(const ChatChunk& chunk, std::uint64_t wire_chunk) {
    auto& entry = entries_.emplace_back();
    entry.chunk = chunk;
    entry.text = store(chunk.text);
    entry.tool_id = store(chunk.tool_id);
    entry.tool_name = store(chunk.tool_name);
    entry.tool_arguments = store(chunk.tool_arguments);
    if (wire_chunk == 0 || wire_chunk != shared_chunk_ || chunk.raw_json.size() != shared_raw_.size) {
        shared_raw_ = store(chunk.raw_json);
        shared_chunk_ = wire_chunk;
    }
    entry.raw_json = shared_raw_;
    if (chunk.usage != nullptr) {
        entry.usage = usages_.size();
        usages_.push_back(*chunk.usage);
    }
}

const ChatChunk& ChunkBatch::take() {
    const auto& entry = entries_[next_++];
    const auto view = [this](Span span) { return std::string_view(text_).substr(span.offset, span.size); };
    current_ = entry.chunk;
    current_.text = view(entry.text);
    current_.tool_id = view(entry.tool_id);
    current_.tool_name = view(entry.tool_name);
    current_.tool_arguments = view(entry.tool_arguments);
    current_.raw_json = view(entry.raw_json);
    if (current_.usage != nullptr) current_.usage = &usages_[entry.usage];
    return current_;
}

void ChunkBatch::clear() {
    text_.clear();
    entries_.clear();
    usages_.clear();
    next_ = 0;
    shared_chunk_ = 0;
}

bool StreamQueue::on_chunk(const ChatChunk& chunk) {
    bool wake = false;
    bool room = true;
    {
        std::lock_guard lock(mutex_);
        filling_.add(chunk, wire_chunk_);
        wake = std::exchange(idle_, false);
        if (filling_.bytes() > kHighWaterMark) full_ = true;
        room = !full_;
    }
    if (wake) {
        if (hooks_.on_ready) {
            hooks_.on_ready();
        } else {
            ready_.notify_one();
        }
    }
    return room;
}

void StreamQueue::on_done(CallResult result) {
    bool tell = false;
    if (hooks_.on_end) hooks_.on_end();
    {
        std::lock_guard lock(mutex_);
        result_ = std::make_unique<CallResult>(std::move(result));
        done_ = true;
        tell = std::exchange(idle_, false) && hooks_.on_ready;
        // Under the lock: a waiting reader may destroy this queue as soon as it sees the end.
        if (!hooks_.on_ready) ready_.notify_one();
    }
    if (tell) hooks_.on_ready();
}

StreamQueue::Polled StreamQueue::refill(bool wait) {
    bool was_full = false;
    Polled polled;
    {
        std::unique_lock lock(mutex_);
        reading_.clear();
        idle_ = filling_.empty() && !done_;
        if (wait) ready_.wait(lock, [this] { return !filling_.empty() || done_; });
        std::swap(reading_, filling_);
        if (wait) idle_ = false;
        was_full = std::exchange(full_, false);
        // Once idle_ is set, another thread may become the reader as soon as the lock is free.
        if (!reading_.empty()) {
            polled.event = &reading_.take();
        } else {
            polled.ended = ended_ = done_;
        }
    }
    if (was_full && hooks_.on_room) hooks_.on_room();
    return polled;
}

const ChatChunk* StreamQueue::wait_next() {
    if (!reading_.empty()) return &reading_.take();
    return refill(true).event;
}

StreamQueue::Polled StreamQueue::poll() {
    if (!reading_.empty()) return {.event = &reading_.take()};
    return refill(false);
}

std::optional<CallResult> StreamQueue::take_result() {
    std::lock_guard lock(mutex_);
    if (!ended_ || !result_) return std::nullopt;
    std::optional<CallResult> result(std::move(*result_));
    result_.reset();
    return result;
}

}  // namespace holysheep::execution
