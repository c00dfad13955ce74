// Parses HTTP/1.1 requests from a byte stream, split anywhere. Uses no sockets.
// bytes → [HttpRequestParser] → ParsedRequest → gateway answer
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holysheep::inline v0::testing {

struct ParsedRequest {
    std::string method{}, path{};
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};
    bool http_1_0 = false;
    bool keep_alive = true;

    std::string_view header(std::string_view name) const;
};

bool same_ignoring_case(std::string_view a, std::string_view b);

/// Feed bytes, then take requests until none is complete. Bytes of the next request are kept.
class HttpRequestParser {
  public:
    void feed(std::string_view bytes) { buffer_.append(bytes); }

    /// Returns the next complete request; nullopt if more bytes are needed, or if `error_status()` reports an error.
    std::optional<ParsedRequest> take();

    /// Whether the client waits for "100 Continue" before it sends the body; true once per request.
    bool take_expects_continue() { return std::exchange(expects_continue_, false); }

    /// 0, or the status to refuse the request with; after that, the connection cannot be read further.
    int error_status() const { return error_status_; }

  private:
    enum class Stage { head, body, chunk_size, chunk_data, trailers };

    bool parse_head();
    void read_head_lines(std::string_view head);
    void choose_body();
    bool parse_body();
    bool parse_chunk_size();
    bool parse_chunk_data();
    bool parse_trailers();
    std::optional<std::string_view> line();
    void fail(int status) { error_status_ = status; }

    std::string buffer_;
    std::size_t consumed_ = 0;  // offset in buffer_
    Stage stage_ = Stage::head;
    ParsedRequest request_;
    std::size_t remaining_ = 0;  // bytes left of the body or the current chunk
    bool complete_ = false;
    bool expects_continue_ = false;
    int error_status_ = 0;
};

}  // namespace holysheep::inline v0::testing
