// Sets the options of the easy handle, and translates its callbacks to events.
#include "transport/curl_transfer.hpp"

#include <sys/stat.h>

#include <charconv>
#include <stdexcept>
#include <utility>

#include "transport/curl_transport.hpp"
#include "transport/http2_text.hpp"
#include "transport/loopback.hpp"
#include "transport/proxy_choice.hpp"
#include "values/release_memory.hpp"

namespace holysheep::transport {

namespace {

// Bytes that a transfer may read before the others continue. At each pause libcurl copies the rest of the decompressed
// data, which may be a thousand times what it read; a larger value means fewer copies.
constexpr std::size_t kTurnBytes = std::size_t{256} << 10U, kDecompressedTurnBytes = std::size_t{1} << 20U;
// libcurl counts whole seconds, and closes connections that were idle for longer.
constexpr long kMaxIdleSeconds = 118, kBriefIdleSeconds = 1;
// Decompressed bytes of an answer that are always allowed, whatever the compression ratio.
constexpr std::size_t kFreeExpansion = std::size_t{2} << 20U;

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
    curl_easy_setopt(easy, option, value);
}

bool file_exists(const char* path) {
    struct stat info {};
    return path != nullptr && ::stat(path, &info) == 0;
}

/// The same for a proxy with TLS. Client certificates are used for the gateway only.
void set_proxy_trust(CURL* easy, const TlsOptions& tls) {
    set(easy, CURLOPT_PROXY_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!tls.ca_blob.empty()) {
        curl_blob blob{const_cast<char*>(tls.ca_blob.data()), tls.ca_blob.size(), CURL_BLOB_NOCOPY};
        set(easy, CURLOPT_PROXY_CAPATH, static_cast<const char*>(nullptr));
        set(easy, CURLOPT_PROXY_CAINFO, static_cast<const char*>(nullptr));
        set(easy, CURLOPT_PROXY_CAINFO_BLOB, &blob);
    } else if (!tls.ca_file.empty()) {
        set(easy, CURLOPT_PROXY_CAPATH, static_cast<const char*>(nullptr));
        set(easy, CURLOPT_PROXY_CAINFO, tls.ca_file.c_str());
    }
}

void set_trust(CURL* easy, const TlsOptions& tls) {
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!tls.ca_blob.empty()) {
        curl_blob blob{const_cast<char*>(tls.ca_blob.data()), tls.ca_blob.size(), CURL_BLOB_NOCOPY};
        set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
        set(easy, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
        set(easy, CURLOPT_CAINFO_BLOB, &blob);
    } else if (!tls.ca_file.empty()) {
        set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
        set(easy, CURLOPT_CAINFO, tls.ca_file.c_str());
    } else if (const auto* info = curl_version_info(CURLVERSION_NOW); file_exists(info->cainfo)) {
        // A CAPATH, which Debian's libcurl sets by default, disables libcurl's cache of parsed certificates, so that
        // every new connection would parse the whole bundle. The bundle contains the same certificates.
        set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (!tls.client_certificate.empty()) set(easy, CURLOPT_SSLCERT, tls.client_certificate.c_str());
    if (!tls.client_key.empty()) set(easy, CURLOPT_SSLKEY, tls.client_key.c_str());
}

}  // namespace

bool tells_compression(std::string_view name, std::string_view value) {
    const auto is = [](std::string_view text, std::string_view word) {
        return text.size() == word.size() && curl_strnequal(text.data(), word.data(), word.size()) != 0;
    };
    if (is(name, "content-encoding")) return !is(value, "identity");
    return is(name, "transfer-encoding") && !is(value, "chunked") && !is(value, "identity");
}

CurlTransfer::CurlTransfer(CurlTransport& transport, const CurlTransportOptions& options)
    : easy_(curl_easy_init()), parsed_url_(curl_url()), transport_(transport), options_(options) {
    if (!easy_ || !parsed_url_) throw std::runtime_error("libcurl gave no handle");
    auto* easy = easy_.get();
    set(easy, CURLOPT_PRIVATE, this);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_ERRORBUFFER, error_text_.data());
    set(easy, CURLOPT_HEADERFUNCTION, &CurlTransfer::on_header);
    set(easy, CURLOPT_HEADERDATA, this);
    set(easy, CURLOPT_WRITEFUNCTION, &CurlTransfer::on_bytes);
    set(easy, CURLOPT_WRITEDATA, this);
    set(easy, CURLOPT_PREREQFUNCTION, &CurlTransfer::on_ready);
    set(easy, CURLOPT_PREREQDATA, this);
    // Decodes compressed answers; the header that requests them is written with the others.
    set(easy, CURLOPT_ACCEPT_ENCODING, "");

    // Disable libcurl's own decisions, or set its limits beyond ours.
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_NOPROXY, "");  // proxy_for has applied it
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, 86'400'000L);
    set(easy, CURLOPT_TIMEOUT_MS, 0L);
    // Without it, removing a handle that is resolving a name waits for the resolver's thread.
    set(easy, CURLOPT_QUICK_EXIT, 1L);
    set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(options.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
    set(easy, CURLOPT_MAXLIFETIME_CONN, static_cast<long>(transport.jittered_age().count()));
    if (options.http2) {
        // Only libcurl's log lines report a refused stream.
        set(easy, CURLOPT_DEBUGFUNCTION, &CurlTransfer::on_text);
        set(easy, CURLOPT_DEBUGDATA, this);
        set(easy, CURLOPT_VERBOSE, 1L);
    }
    set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    set(easy, CURLOPT_TCP_KEEPIDLE, 15L);
    set(easy, CURLOPT_TCP_KEEPINTVL, 5L);
    set_trust(easy, options.tls);
    set_proxy_trust(easy, options.tls);
}

void CurlTransfer::prepare(TransferId id, HttpRequest request, TransferEvents& events) {
    id_ = id;
    events_ = &events;
    request_ = std::move(request);
    head_ = {};
    error_text_[0] = '\0';
    local_error_.clear();
    head_bytes_ = body_bytes_ = round_bytes = 0;
    sends_ = 0;
    endpoints_.reset();
    opened.clear();
    sent_mark.reset();
    head_done_ = own_failure_ = turned_away_ = resend_refused_ = compressed_ = false;
    added = cancelled = pause_wanted = paused = socket_refused = false;
    stream_id.reset();
    stream_refused = false;
    reused_ = http1_required_ = on_http2_ = wrong_connection_ = false;
    held_socket = -1;

    set_url();
    set_connection();
    set_method();
    set_headers();
}

void CurlTransfer::set_url() {
    auto url = std::move(request_.url);  // kept once: a stream may last for minutes
    if (url_ == url) return;
    url_ = std::move(url);
    // Parsed once, not for every request.
    if (curl_url_set(parsed_url_.get(), CURLUPART_URL, url_.c_str(), 0) == CURLUE_OK) {
        set(easy_.get(), CURLOPT_CURLU, parsed_url_.get());
    } else {
        set(easy_.get(), CURLOPT_CURLU, static_cast<CURLU*>(nullptr));
        set(easy_.get(), CURLOPT_URL, url_.c_str());  // libcurl then reports the problem with the URL
    }
    set_proxy();
    origin_ = &transport_.origin(url_);
}

void CurlTransfer::set_connection() {
    auto* easy = easy_.get();
    const bool brief = request_.avoid_stale_connection;
    const bool fresh = request_.fresh_connection || (brief && transport_.now() < origin_->stale_until);
    set(easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    if (brief != brief_age_set_) set(easy, CURLOPT_MAXAGE_CONN, brief ? kBriefIdleSeconds : kMaxIdleSeconds);
    brief_age_set_ = brief;
    if (request_.connection_attempt_delay != attempt_delay_set_) {
        attempt_delay_set_ = request_.connection_attempt_delay;
        set(easy, CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, static_cast<long>(attempt_delay_set_.count()));
    }
    if (const bool odd = transport_.in_odd_age(*origin_); odd != odd_age_set_) {
        odd_age_set_ = odd;
        const long newest = odd ? CURL_SSLVERSION_MAX_TLSv1_3 : CURL_SSLVERSION_MAX_DEFAULT;
        set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2) | newest);
    }
    if (!options_.http2 || origin_->http1_only == http1_set_) return;
    http1_set_ = origin_->http1_only;
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(http1_set_ ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
}

bool CurlTransfer::starts_over() {
    if (!std::exchange(wrong_connection_, false)) return false;
    error_text_[0] = '\0';
    opened.clear();
    set(easy_.get(), CURLOPT_FRESH_CONNECT, 1L);
    return true;
}

void CurlTransfer::set_method() {
    auto* easy = easy_.get();
    const auto& method = request_.method;
    const auto form = method == "GET" ? Form::get : method == "HEAD" ? Form::head : Form::post;
    if (form != form_) {
        set(easy, form == Form::post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
        if (form == Form::head) set(easy, CURLOPT_NOBODY, 1L);
        form_ = form;
    }
    if (form == Form::post) {
        set(easy, CURLOPT_POSTFIELDS, request_.body.data());
        set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    }
    const std::string custom = form == Form::post && method != "POST" ? method : std::string();
    if (custom != custom_method_) {
        set(easy, CURLOPT_CUSTOMREQUEST, custom.empty() ? static_cast<const char*>(nullptr) : custom.c_str());
        custom_method_ = custom;
    }
}

void CurlTransfer::set_headers() {
    // libcurl only reads the list, so it is built in two reusable buffers.
    header_text_.clear();
    std::size_t length = 128 + options_.user_agent.size();
    for (const auto& [name, value] : request_.headers) length += name.size() + value.size() + 3;
    header_text_.reserve(length);
    header_list_.clear();
    header_list_.reserve(request_.headers.size() + 3);
    const auto add = [this](std::string_view name, std::string_view separator, std::string_view value) {
        header_list_.push_back({header_text_.data() + header_text_.size(), nullptr});
        header_text_.append(name).append(separator).append(value).push_back('\0');
    };
    bool stream = false, has_agent = false, has_encoding = false;
    for (const auto& [name, value] : request_.headers) {
        add(name, value.empty() ? ";" : ": ", value);
        stream = stream || value == "text/event-stream";
        has_agent = has_agent || curl_strequal(name.c_str(), "user-agent") != 0;
        has_encoding = has_encoding || curl_strequal(name.c_str(), "accept-encoding") != 0;
    }
    body_limit_ = stream ? options_.limits.stream : options_.limits.body;
    // An empty "Expect:" avoids a wait of one second for "100 Continue" with large bodies.
    add("Expect", ":", "");
    if (!has_agent) add("User-Agent", ": ", options_.user_agent);
    // A compressed stream would be delayed until the compressor has enough data.
    if (!has_encoding) add("Accept-Encoding", ": ", stream ? "identity" : "gzip, deflate");
    for (std::size_t i = 0; i + 1 < header_list_.size(); ++i) header_list_[i].next = &header_list_[i + 1];
    set(easy_.get(), CURLOPT_HTTPHEADER, header_list_.data());
    release_memory(request_.headers);  // a stream may last for minutes
}

void CurlTransfer::set_proxy() {
    const auto wanted = proxy_for(url_, options_.proxy, transport_.proxy_environment());
    if (proxy_ == wanted) return;
    auto* easy = easy_.get();
    proxy_ = wanted;
    set(easy, CURLOPT_PROXY, proxy_->c_str());
    if (options_.proxy.url.empty()) return;
    if (!options_.proxy.user.empty()) set(easy, CURLOPT_PROXYUSERNAME, options_.proxy.user.c_str());
    if (!options_.proxy.password.empty()) set(easy, CURLOPT_PROXYPASSWORD, options_.proxy.password.c_str());
}

int CurlTransfer::on_ready(void* self, char* peer, char*, int peer_port, int local_port) {
    auto& transfer = *static_cast<CurlTransfer*>(self);
    if (transfer.cancelled) return CURL_PREREQFUNC_ABORT;
    if (transfer.refuse_resend()) return CURL_PREREQFUNC_ABORT;
    const auto endpoints = endpoints_of(peer, peer_port, local_port);
    transfer.on_http2_ = transfer.options_.http2 && endpoints && transfer.transport_.speaks_http2(*endpoints);
    if (transfer.on_http2_ && transfer.origin_->http1_only) {
        transfer.wrong_connection_ = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (!transfer.events_->may_send(transfer.id_)) {
        transfer.turned_away_ = true;
        return CURL_PREREQFUNC_ABORT;
    }
    ++transfer.sends_;
    transfer.endpoints_ = endpoints;
    long connects = 0;
    curl_easy_getinfo(transfer.easy_.get(), CURLINFO_NUM_CONNECTS, &connects);
    transfer.reused_ = connects == 0;
    transfer.transport_.on_sent(transfer.id_);
    return CURL_PREREQFUNC_OK;
}

int CurlTransfer::on_text(CURL*, curl_infotype type, char* text, std::size_t size, void* self) {
    if (type != CURLINFO_TEXT) return 0;
    auto& transfer = *static_cast<CurlTransfer*>(self);
    const auto told = read_http2_text({text, size});
    switch (told.kind) {
        case Http2Text::Kind::other: break;
        case Http2Text::Kind::stream_opened:
            transfer.stream_id = told.stream;
            transfer.transport_.on_stream(transfer);
            break;
        case Http2Text::Kind::goaway: transfer.transport_.on_goaway(transfer, told.stream); break;
        case Http2Text::Kind::http1_required: transfer.http1_required_ = true; break;
        case Http2Text::Kind::resend: transfer.on_resend(); break;
    }
    return 0;
}

std::size_t CurlTransfer::on_header(char* bytes, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<CurlTransfer*>(self);
    const std::size_t length = size * count;
    if (transfer.cancelled) return 0;
    transfer.head_bytes_ += length;
    if (transfer.head_bytes_ > transfer.options_.limits.head) {
        transfer.own_failure_ = true;
        transfer.local_error_ = "the answer's headers are larger than " +
                                std::to_string(transfer.options_.limits.head) +
                                " bytes; check what answers at the base URL";
        return 0;
    }
    return transfer.take_header_line({bytes, length}) ? length : 0;
}

bool CurlTransfer::take_header_line(std::string_view line) {
    if (head_done_) return true;  // trailers
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {
        head_ = {};
        head_.headers.reserve(16);
        const auto space = line.find(' ');
        if (space != std::string_view::npos) {
            std::from_chars(line.data() + space + 1, line.data() + line.size(), head_.status);
        }
        return true;
    }
    if (line.empty()) {
        if (head_.status < 200) return true;                   // an informational response (RFC 9110, 15.2)
        if (head_.status == 407 && via_proxy()) return false;  // from the proxy, for a request without a tunnel
        head_done_ = true;
        record_connection(head_.connection_reused, head_.timings);
        head_.headers.shrink_to_fit();
        if (head_.status < 300) release_body();
        events_->on_head(id_, std::move(head_));
        return !cancelled;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    auto value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    compressed_ = compressed_ || tells_compression(line.substr(0, colon), value);
    head_.headers.emplace_back(line.substr(0, colon), value);
    return true;
}

/// Frees the body: a stream may last for minutes, and its prompt be large. libcurl reads it only until all is sent.
void CurlTransfer::release_body() {
    curl_off_t uploaded = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (static_cast<std::size_t>(uploaded) >= request_.body.size()) release_memory(request_.body);
}

/// The size limit of the answer. A stream that is compressed although it must not be has the limit of a plain answer.
std::size_t CurlTransfer::decoded_limit() const {
    if (!compressed_) return body_limit_;
    const auto limit = std::min(body_limit_, options_.limits.body);
    if (body_bytes_ <= kFreeExpansion) return limit;
    curl_off_t received = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_DOWNLOAD_T, &received);
    return std::min(limit, kFreeExpansion + options_.limits.expansion * static_cast<std::size_t>(received));
}

std::size_t CurlTransfer::on_bytes(char* bytes, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<CurlTransfer*>(self);
    const std::size_t length = size * count;
    if (transfer.cancelled) return 0;
    // libcurl reads as long as a socket has data. A gateway that sends faster than its answer can be decoded would
    // block all other transfers and the timers.
    const bool yields = transfer.round_bytes >= (transfer.compressed_ ? kDecompressedTurnBytes : kTurnBytes);
    if (transfer.pause_wanted || yields) {
        if (yields) transfer.transport_.on_yield(transfer.id_);
        transfer.paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    transfer.round_bytes += length;
    transfer.body_bytes_ += length;
    if (const auto limit = transfer.decoded_limit(); transfer.body_bytes_ > limit) {
        transfer.own_failure_ = true;
        transfer.local_error_ = "the answer is larger than " + std::to_string(limit) +
                                (transfer.compressed_ ? " bytes once it is decompressed;" : " bytes;") +
                                " check what answers at the base URL";
        return 0;
    }
    transfer.events_->on_body(transfer.id_, {bytes, length});
    return transfer.cancelled ? 0 : length;
}

}  // namespace holysheep::transport
