// Reads libcurl's log lines about HTTP/2 streams, because its result codes do not distinguish refused from lost
// streams. libcurl's CURLINFO_TEXT → [read_http2_text] → CurlTransfer
#pragma once

#include <cstdint>
#include <string_view>

namespace holysheep::transport {

struct Http2Text {
    enum class Kind {
        other,
        stream_opened,   ///< `stream` is that of the request
        goaway,          ///< `stream` is the last one that the server processes (RFC 9113, 6.8)
        http1_required,  ///< the server wants HTTP/1.1 for this request (RFC 9113, 7)
        resend           ///< libcurl is about to send the request again, or has done so too often
    } kind = Kind::other;
    std::uint32_t stream = 0;
};

/// Recognises the lines of libcurl 7.87 to 8.x. An unknown line is `other`; then nothing is certain.
Http2Text read_http2_text(std::string_view line);

}  // namespace holysheep::transport
