// Options of the easy handle, and the callbacks that turn bytes into events.
#include "transport/curl_transfer.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "transport/curl_errors.hpp"
#include "transport/curl_transport.hpp"
#include "transport/http2_text.hpp"
#include "transport/loopback.hpp"
#include "transport/proxy_environment.hpp"
#include "values/let_go.hpp"

namespace holysheep::transport {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kTurnBytes = std::size_t{256} << 10U;
// libcurl counts whole seconds, and closes what was idle for longer.
constexpr long kMaxIdleSeconds = 118, kBriefIdleSeconds = 1;
constexpr auto kRememberStale = 10min;

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
    curl_easy_setopt(easy, option, value);
}

bool file_exists(const char* path) {
    struct stat info {};
    return path != nullptr && ::stat(path, &info) == 0;
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
        // A CAPATH, which Debian's libcurl has by default, switches libcurl's cache of parsed certificates off: every
        // new connection would parse the whole bundle. The bundle alone holds the same certificates.
        set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (!tls.client_certificate.empty()) set(easy, CURLOPT_SSLCERT, tls.client_certificate.c_str());
    if (!tls.client_key.empty()) set(easy, CURLOPT_SSLKEY, tls.client_key.c_str());
}

/// Resolving a name opens sockets and files of its own, and says nothing of why it could not.
bool may_need_descriptor(CURLcode code) {
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_OUT_OF_MEMORY ||
           code == CURLE_FAILED_INIT;
}

bool no_descriptor_left() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0) ::close(fd);
    return fd < 0 && (errno == EMFILE || errno == ENFILE);
}

std::string descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return "only so many";
    return std::to_string(limit.rlim_cur);
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
    // Decodes what comes compressed; the header that asks for it is written with the others.
    set(easy, CURLOPT_ACCEPT_ENCODING, "");

    // Whatever libcurl could decide by itself is off, or later than any limit of ours.
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, 86'400'000L);
    set(easy, CURLOPT_TIMEOUT_MS, 0L);
    // Without it, removing a handle that is resolving a name waits for the resolver's thread.
    set(easy, CURLOPT_QUICK_EXIT, 1L);
    set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(options.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
    if (options.http2) {
        // That a stream was refused is in libcurl's log lines alone.
        set(easy, CURLOPT_DEBUGFUNCTION, &CurlTransfer::on_text);
        set(easy, CURLOPT_DEBUGDATA, this);
        set(easy, CURLOPT_VERBOSE, 1L);
    }
    set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    set(easy, CURLOPT_TCP_KEEPIDLE, 15L);
    set(easy, CURLOPT_TCP_KEEPINTVL, 5L);
    set_trust(easy, options.tls);
}

void CurlTransfer::prepare(TransferId id, HttpRequest request, TransferEvents& events) {
    id_ = id;
    events_ = &events;
    request_ = std::move(request);
    head_ = {};
    error_text_[0] = '\0';
    own_error_.clear();
    head_bytes_ = body_bytes_ = turn_bytes = 0;
    sends_ = 0;
    endpoints_.reset();
    opened.clear();
    sent_mark.reset();
    head_done_ = own_failure_ = turned_away_ = resend_refused_ = compressed_ = false;
    added = cancelled = pause_wanted = paused = socket_refused = false;
    stream_id.reset();
    stream_refused = left_connection_alive = false;
    reused_ = http1_required_ = on_http2_ = wrong_connection_ = false;
    held_socket = -1;

    set_url();
    set_connection();
    set_method();
    set_headers();
}

void CurlTransfer::set_url() {
    if (url_ == request_.url) return;
    url_ = request_.url;
    // Parsed once, not for every request.
    if (curl_url_set(parsed_url_.get(), CURLUPART_URL, url_.c_str(), 0) == CURLUE_OK) {
        set(easy_.get(), CURLOPT_CURLU, parsed_url_.get());
    } else {
        set(easy_.get(), CURLOPT_CURLU, static_cast<CURLU*>(nullptr));
        set(easy_.get(), CURLOPT_URL, url_.c_str());  // libcurl says what is wrong with it
    }
    set_proxy(options_, is_loopback_host(host_of_url(url_)));
    origin_ = &transport_.origin(url_);
}

void CurlTransfer::set_connection() {
    auto* easy = easy_.get();
    const bool brief = request_.avoid_stale_connection;
    const bool fresh = request_.fresh_connection || (brief && transport_.now() < origin_->stale_until);
    set(easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    if (brief != brief_age_set_) set(easy, CURLOPT_MAXAGE_CONN, brief ? kBriefIdleSeconds : kMaxIdleSeconds);
    brief_age_set_ = brief;
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

bool CurlTransfer::refuse_resend() {
    if (!was_sent()) return false;
    if (std::exchange(resend_refused_, true)) return true;
    // libcurl sends a request again in silence for two reasons: its connection died, or its stream was refused. (It
    // does so with one that HTTP/1.1 is required for, too, and says that.)
    const bool alive = left_connection_alive || transport_.connection_lives(*this);
    const bool in_silence = error_text_[0] == '\0' || resends_used_up();
    if (stream_id && in_silence && alive) stream_refused = true;
    return true;
}

/// libcurl counts how often it has sent again on a handle, over all of its transfers, and then fails one.
bool CurlTransfer::resends_used_up() const {
    return std::string_view(error_text_.data()).starts_with("Connection died, tried ");
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
    // libcurl only reads the list, so it is laid out in two buffers that are reused.
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
    // An empty "Expect:" spares large bodies a second of waiting for "100 Continue".
    add("Expect", ":", "");
    if (!has_agent) add("User-Agent", ": ", options_.user_agent);
    // A compressed stream would be held back until the compressor has enough.
    if (!has_encoding) add("Accept-Encoding", ": ", stream ? "identity" : "gzip, deflate");
    for (std::size_t i = 0; i + 1 < header_list_.size(); ++i) header_list_[i].next = &header_list_[i + 1];
    set(easy_.get(), CURLOPT_HTTPHEADER, header_list_.data());
    let_go(request_.headers);  // a stream may last for minutes
}

void CurlTransfer::set_proxy(const CurlTransportOptions& options, bool loopback) {
    auto* easy = easy_.get();
    const auto& proxy = options.proxy;
    // A proxy from the environment is meant for the outside: what is sent to this machine itself stays on it.
    const bool none = proxy.url.empty() && (!proxy.from_environment || loopback);
    const auto wanted = none ? Proxying::none : Proxying::configured;
    if (proxying_ == wanted) return;
    proxying_ = wanted;
    if (none) {
        set(easy, CURLOPT_PROXY, "");
        return;
    }
    set(easy, CURLOPT_PROXY, proxy.url.empty() ? static_cast<const char*>(nullptr) : proxy.url.c_str());
    if (proxy.url.empty()) return;
    set(easy, CURLOPT_NOPROXY, "");
    if (!proxy.user.empty()) set(easy, CURLOPT_PROXYUSERNAME, proxy.user.c_str());
    if (!proxy.password.empty()) set(easy, CURLOPT_PROXYPASSWORD, proxy.password.c_str());
}

bool CurlTransfer::maybe_via_proxy() const {
    if (proxying_ != Proxying::configured) return false;
    if (!options_.proxy.url.empty()) return true;
    static const bool in_environment = std::ranges::any_of(kProxyVariables, [](const char* name) {
        const char* value = std::getenv(name);
        return value != nullptr && *value != '\0';
    });
    return in_environment;
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
        transfer.own_error_ = "the answer's headers are larger than " + std::to_string(transfer.options_.limits.head) +
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
        if (head_.status < 200) return true;  // an interim answer (RFC 9110, 15.2)
        head_done_ = true;
        note_connection(head_.connection_reused, head_.timings);
        head_.headers.shrink_to_fit();
        if (head_.status < 300) let_go_of_body();
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

/// A stream may last for minutes, and its prompt be large. libcurl reads on from it only while it has not sent all.
void CurlTransfer::let_go_of_body() {
    curl_off_t uploaded = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (static_cast<std::size_t>(uploaded) >= request_.body.size()) let_go(request_.body);
}

std::size_t CurlTransfer::on_bytes(char* bytes, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<CurlTransfer*>(self);
    const std::size_t length = size * count;
    if (transfer.cancelled) return 0;
    // libcurl reads on for as long as a socket has more. A gateway that sends faster than its answer can be decoded
    // would keep the loop from all others, and from its clocks. What it decompresses it cannot hold back without
    // copying all of it at each pause; such an answer ends at its limit.
    const bool had_its_turn = transfer.turn_bytes >= kTurnBytes && !transfer.compressed_;
    if (transfer.pause_wanted || had_its_turn) {
        if (had_its_turn) transfer.transport_.on_turn_over(transfer.id_);
        transfer.paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    transfer.turn_bytes += length;
    transfer.body_bytes_ += length;
    if (transfer.body_bytes_ > transfer.body_limit_) {
        transfer.own_failure_ = true;
        transfer.own_error_ = "the answer is larger than " + std::to_string(transfer.body_limit_) +
                              " bytes; check what answers at the base URL";
        return 0;
    }
    transfer.events_->on_body(transfer.id_, {bytes, length});
    return transfer.cancelled ? 0 : length;
}

TransferEnd CurlTransfer::finish(CURLcode code) {
    if (code != CURLE_OK && !head_done_ && resends_used_up()) refuse_resend();
    TransferEnd end;
    if (code != CURLE_OK) {
        long os_error = 0;
        curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os_error);
        end = describe_failure(code, {.sent = sends_ > 0,
                                      .head_seen = head_done_,
                                      .text = error_text_.data(),
                                      .os_error = static_cast<int>(os_error)});
    } else if (!head_done_) {
        end = describe_failure(CURLE_GOT_NOTHING, {.sent = sends_ > 0});
    }
    if (code != CURLE_OK && sends_ == 0 && (socket_refused || (may_need_descriptor(code) && no_descriptor_left()))) {
        end.error = ErrorCode::descriptors_exhausted;
        end.detail = "no file descriptor is left for a connection: this process may open " + descriptor_limit() +
                     "; raise RLIMIT_NOFILE (ulimit -n, LimitNOFILE= of systemd) or have fewer calls in flight";
    } else if (own_failure_) {
        end.error = ErrorCode::malformed_response;
        end.detail = own_error_;
    } else if (turned_away_) {
        end.error = ErrorCode::cancelled;
        end.detail = "turned away before anything was sent";
        end.certainly_not_delivered = true;
    } else if (resend_refused_) {
        end.error = ErrorCode::transport_failed;
        end.detail = "the reused connection was closed before an answer came";
        end.certainly_not_delivered = false;
    }
    if (code != CURLE_OK && sends_ > 0 && !head_done_ && !own_failure_) explain_http2_failure(end);
    if (resend_refused_) {
        end.connection_reused = reused_;  // of the request; libcurl was about to open another connection
    } else {
        note_connection(end.connection_reused, end.timings);
    }
    if (end.error == ErrorCode::transport_failed && end.connection_reused && !head_done_ && !end.refused && !cancelled)
        origin_->stale_until = transport_.now() + kRememberStale;
    return end;
}

/// A stream that its server refused was certainly not processed, whatever was sent.
void CurlTransfer::explain_http2_failure(TransferEnd& end) const {
    const bool never_opened = on_http2_ && !stream_id;
    if (!http1_required_ && !stream_refused && !never_opened) return;
    end.error = ErrorCode::transport_failed;
    end.certainly_not_delivered = end.refused = true;
    if (http1_required_) {
        origin_->http1_only = end.new_connection_helps = true;
        end.detail = "the gateway requires HTTP/1.1 for this request (HTTP_1_1_REQUIRED)";
    } else {
        end.new_connection_helps = reused_;
        end.detail = never_opened ? "the HTTP/2 connection took no further requests"
                                  : "the gateway did not process the request (HTTP/2 REFUSED_STREAM or GOAWAY)";
    }
}

void CurlTransfer::note_connection(bool& reused, AttemptTimings& timings) const {
    auto* easy = easy_.get();
    long connects = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    reused = connects == 0 && sends_ > 0;
    if (connects == 0) return;
    const auto moment = [easy](CURLINFO info) -> std::optional<nanoseconds> {
        curl_off_t microseconds = 0;
        curl_easy_getinfo(easy, info, &microseconds);
        if (microseconds <= 0) return std::nullopt;
        return std::chrono::microseconds{microseconds};
    };
    timings.dns = moment(CURLINFO_NAMELOOKUP_TIME_T);
    timings.connect = moment(CURLINFO_CONNECT_TIME_T);
    timings.tls = moment(CURLINFO_APPCONNECT_TIME_T);
}

}  // namespace holysheep::transport
