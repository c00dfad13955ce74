// Implements the range over a stream, and the handle of an asynchronous stream.
#include <holysheep/stream.hpp>

#include <utility>

#include "client/active_call.hpp"
#include "client/stream_reader.hpp"

namespace holysheep {
inline namespace v0 {

ChatStream::iterator::iterator(detail::StreamReader* reader) : reader_(reader), chunk_(reader->next()) {}

ChatStream::iterator& ChatStream::iterator::operator++() {
    chunk_ = reader_->next();
    return *this;
}

ChatStream::ChatStream(std::unique_ptr<detail::StreamReader> reader) : reader_(std::move(reader)) {}
ChatStream::ChatStream(ChatStream&&) noexcept = default;

ChatStream& ChatStream::operator=(ChatStream&& other) noexcept {
    if (reader_) reader_->cancel();
    reader_ = std::move(other.reader_);
    return *this;
}

ChatStream::~ChatStream() {
    if (reader_) reader_->cancel();
}

ChatStream::iterator ChatStream::begin() { return iterator(reader_.get()); }

Result<ChatCompletion> ChatStream::finish() {
    while (reader_->next() != nullptr) {
    }
    auto result = reader_->take_result();
    if (!result) return Error{.code = ErrorCode::invalid_request, .message = "the stream's result was taken already"};
    if (auto* completion = std::get_if<ChatCompletion>(&*result)) return std::move(*completion);
    return std::move(std::get<Error>(*result));
}

void ChatStream::cancel() {
    if (reader_) reader_->cancel();
}

void StreamHandle::cancel() {
    if (const auto control = control_.lock()) control->cancel();
}

void StreamHandle::pause() {
    if (const auto control = control_.lock()) control->pause();
}

void StreamHandle::resume() {
    if (const auto control = control_.lock()) control->resume();
}

}  // namespace v0
}  // namespace holysheep
