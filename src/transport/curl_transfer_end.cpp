// Determines how a transfer ended, from libcurl's result and earlier events.
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "transport/curl_errors.hpp"
#include "transport/curl_transfer.hpp"
#include "transport/curl_transport.hpp"
#include "transport/loopback.hpp"
#include "transport/proxy_choice.hpp"
#include "transport/proxy_failure.hpp"

namespace holysheep::transport {

namespace {

using namespace std::chrono_literals;

constexpr auto kRememberStale = 10min;

/// Whether the failure may be a lack of descriptors: name resolution opens sockets and files, and does not report why
/// it failed to.
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

bool CurlTransfer::refuse_resend() {
    if (!was_sent()) return false;
    resend_refused_ = true;
    return true;
}

/// Called before libcurl shuts the connection down. On a reused connection libcurl gives the same reason for a lost
/// connection and for a refused stream: after a refusal, the connection is still open. (For any other failure of a
/// stream, it has written the error text before.)
void CurlTransfer::on_resend() {
    const bool no_other_error = error_text_[0] == '\0' || resends_used_up();
    if (stream_id && no_other_error && transport_.connection_lives(*this)) stream_refused = true;
}

/// libcurl counts repeated requests per handle, over all of its transfers, and fails a transfer at a limit.
bool CurlTransfer::resends_used_up() const {
    return std::string_view(error_text_.data()).starts_with("Connection died, tried ");
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
        end.detail = local_error_;
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
    if (code != CURLE_OK && end.error != ErrorCode::descriptors_exhausted && !turned_away_ && !own_failure_)
        explain_proxy_failure(code, end);
    if (resend_refused_) {
        end.connection_reused = reused_;  // the connection of the request, not the one that libcurl was about to open
    } else {
        record_connection(end.connection_reused, end.timings);
    }
    if (end.error == ErrorCode::transport_failed && end.connection_reused && !head_done_ && !end.refused && !cancelled)
        origin_->stale_until = transport_.now() + kRememberStale;
    return end;
}

/// A stream that the server refused was certainly not processed, even if it was sent.
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

void CurlTransfer::record_connection(bool& reused, AttemptTimings& timings) const {
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

/// A failure before anything was sent may be the proxy's.
void CurlTransfer::explain_proxy_failure(CURLcode code, TransferEnd& end) const {
    if (!via_proxy()) return;
    auto* easy = easy_.get();
    ProxyContext context{.has_credentials = proxy_->find('@') != std::string::npos || !options_.proxy.user.empty(),
                         .from_environment = options_.proxy.url.empty()};
    const bool refused_plainly = sends_ > 0 && head_.status == 407;  // by the proxy, without a tunnel
    if (sends_ > 0 && !refused_plainly) return;
    const auto name = proxy_name(*proxy_);
    context.name = name;
    context.target = host_of_url(url_);
    context.socks = is_socks(*proxy_);
    context.tunnel = url_.starts_with("https://");
    context.text = error_text_.data();
    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &context.connect_status);
    curl_easy_getinfo(easy, CURLINFO_PROXY_ERROR, &context.socks_error);
    if (refused_plainly) context.connect_status = head_.status;
    const auto failure = explain_proxy(code, context);
    if (!failure) return;
    end.error = ErrorCode::proxy_failed;
    end.detail = failure->detail;
    end.proxy_status = failure->status;
    end.certainly_not_delivered = true;
}

bool CurlTransfer::via_proxy() const { return proxy_ && !proxy_->empty(); }

}  // namespace holysheep::transport
