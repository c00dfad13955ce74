// One HTTP exchange on one libcurl easy handle. Handles are pooled and keep their TLS sessions.
// HttpRequest → [CurlTransfer] → libcurl → TransferEvents
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <holysheep/transport.hpp>

#include "transport/curl_handle.hpp"
#include "transport/tcp_path.hpp"

namespace holysheep::transport {

struct CurlTransportOptions;
class CurlTransport;

/// What is known about the server of a URL.
struct Origin {
    bool http1_only = false;  ///< it answered HTTP_1_1_REQUIRED
    bool http2 = false;       ///< it supports HTTP/2
    /// libcurl checks the age of a connection only while it is idle, which a shared HTTP/2 connection may never be. So
    /// requests of every second period set the newest allowed TLS version explicitly: libcurl does not reuse a
    /// connection with other TLS settings, so the old one gets no further requests and ends with its last stream.
    bool odd_age = false;
    Clock::time_point age_ends{};
    Clock::time_point stale_until{};  ///< A reused connection was lost with a request: until this time, further stale
                                      ///< connections are expected.
};

/// Limits that apply to every transfer of a client.
struct ResponseLimits {
    std::size_t body = std::size_t{64} << 20U;  ///< decoded bytes of a plain answer
    /// Decoded bytes of a stream. Most are framing; the size of the answer is limited where it is assembled.
    std::size_t stream = std::size_t{1} << 30U;
    std::size_t head = std::size_t{256} << 10U;
    /// Largest compression ratio of an answer beyond its first two megabytes. Texts compress by a factor of 10 to 30; a
    /// factor of 1,000 is an attempt to exhaust the memory.
    std::size_t expansion = 64;
};

/// Whether libcurl decompresses a body with this header. For `Transfer-Encoding`, which we do not request, its versions
/// differ.
bool tells_compression(std::string_view name, std::string_view value);

class CurlTransfer {
  public:
    CurlTransfer(CurlTransport& transport, const CurlTransportOptions& options);
    CurlTransfer(const CurlTransfer&) = delete;
    CurlTransfer& operator=(const CurlTransfer&) = delete;

    /// Fills the handle for one request.
    void prepare(TransferId id, HttpRequest request, TransferEvents& events);
    /// Whether it got an unsuitable connection before anything was sent; if so, prepares to start over on a new one.
    bool starts_over();
    /// Translates libcurl's result. Valid until the next `prepare`.
    TransferEnd finish(CURLcode code);
    CURL* handle() const { return easy_.get(); }
    CurlTransport& transport() const { return transport_; }
    TransferEvents* events() const { return events_; }
    TransferId id() const { return id_; }
    bool was_sent() const { return sends_ > 0; }
    /// libcurl repeats a request on its own if a reused connection is lost before the first byte of an answer. The call
    /// machine must decide that instead, so this returns true if the request was already sent.
    bool refuse_resend();
    /// libcurl logged that it will send again: check whether the stream was refused.
    void on_resend();
    /// The connection that the request was sent on; unset before.
    const std::optional<Endpoints>& endpoints() const { return endpoints_; }
    bool via_proxy() const;
    Origin& origin() const { return *origin_; }

    std::size_t slot = 0;
    std::uint32_t generation = 0;
    bool added = false;      ///< is in the multi handle
    bool cancelled = false;  ///< deliver no more events
    bool pause_wanted = false, paused = false;
    int held_socket = -1;         ///< not watched while the transfer is paused; -1: none
    std::size_t round_bytes = 0;  ///< bytes read in the current round
    std::vector<int> opened{};    ///< sockets opened for it; several addresses may be tried at once
    std::optional<SentMark> sent_mark{};
    bool socket_refused = false;               ///< the system had no descriptor for a connection
    std::optional<std::uint32_t> stream_id{};  ///< HTTP/2 stream, once it is open
    bool stream_refused = false;               ///< the server processes no stream with this number

  private:
    static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self);
    static std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* self);
    static int on_ready(void* self, char* peer_ip, char* local_ip, int peer_port, int local_port);
    static int on_text(CURL* easy, curl_infotype type, char* text, std::size_t size, void* self);
    bool resends_used_up() const;
    void explain_http2_failure(TransferEnd& end) const;
    void explain_proxy_failure(CURLcode code, TransferEnd& end) const;
    bool take_header_line(std::string_view line);
    std::size_t decoded_limit() const;
    void release_body();
    void set_url();
    void set_method();
    void set_connection();
    void record_connection(bool& reused, AttemptTimings& timings) const;
    void set_headers();
    void set_proxy();

    CurlEasy easy_;
    CurlUrl parsed_url_;
    CurlTransport& transport_;
    const CurlTransportOptions& options_;
    TransferEvents* events_ = nullptr;
    TransferId id_ = 0;
    HttpRequest request_{};
    HttpHead head_{};
    std::string header_text_;  // storage of header_list_
    std::vector<curl_slist> header_list_;
    std::array<char, CURL_ERROR_SIZE> error_text_{};
    std::string local_error_;  // why this process ended the transfer
    std::size_t head_bytes_ = 0, body_bytes_ = 0, body_limit_ = 0;
    int sends_ = 0;
    std::optional<Endpoints> endpoints_{};
    Origin* origin_ = nullptr;
    bool reused_ = false;  // the connection of the request was reused
    bool http1_required_ = false, on_http2_ = false, wrong_connection_ = false;
    bool head_done_ = false, own_failure_ = false, turned_away_ = false, resend_refused_ = false, compressed_ = false;
    // The current options of the handle; setting an option to the same value again would cost a copy.
    std::string url_{}, custom_method_{};
    enum class Form { unset, get, head, post } form_ = Form::unset;
    std::optional<std::string> proxy_{};  // empty: none
    bool http1_set_ = false, brief_age_set_ = false;
    milliseconds attempt_delay_set_{200};  // libcurl's default
    bool odd_age_set_ = false;
};

}  // namespace holysheep::transport
