// Parses libcurl's log lines about HTTP/2, as several of its versions write them.
#include "transport/http2_text.hpp"

#include <gtest/gtest.h>

namespace holysheep::transport {
namespace {

using Kind = Http2Text::Kind;

TEST(Http2Text, ReadsTheLinesOfSeveralVersionsOfLibcurl) {
    struct Row {
        const char* line;
        Kind kind;
        std::uint32_t stream;
    };
    const Row rows[] = {
        {"Using Stream ID: 7 (easy handle 0x55d0c8a3b2c0)\n", Kind::stream_opened, 7},
        {"[HTTP/2] [5] OPENED stream for https://127.0.0.1:8443/v1/chat/completions\n", Kind::stream_opened, 5},
        {"[h2] [2147483647] OPENED stream for https://a/\n", Kind::stream_opened, 2'147'483'647},
        {"recveived GOAWAY, error=0, last_stream=31\n", Kind::goaway, 31},
        {"received GOAWAY, error=2, last_stream=0\n", Kind::goaway, 0},
        {"HTTP/2 stream 1 was not closed cleanly: HTTP_1_1_REQUIRED (err 13)", Kind::http1_required, 0},
        {"Downgrades to HTTP/1.1\n", Kind::http1_required, 0},
        {"Connection died, retrying a fresh connect (retry count: 1)\n", Kind::resend, 0},
        {"Connection died, tried 5 times before giving up", Kind::resend, 0},
    };
    for (const auto& row : rows) {
        const auto seen = read_http2_text(row.line);
        EXPECT_EQ(seen.kind, row.kind) << row.line;
        EXPECT_EQ(seen.stream, row.stream) << row.line;
    }
}

TEST(Http2Text, IgnoresOtherLines) {
    for (const auto* line : {"", "Connection #0 to host 127.0.0.1 left intact\n", "Using Stream ID: none",
                             "] OPENED stream", "[x] OPENED stream", "received GOAWAY, error=0",
                             "HTTP/2 stream 5 was not closed cleanly: CANCEL (err 8)", "last_stream=4",
                             // Logged before a resend, and for a handle's earlier request as well: libcurl keeps that
                             // flag.
                             "REFUSED_STREAM, retrying a fresh connect\n"}) {
        EXPECT_EQ(read_http2_text(line).kind, Kind::other) << line;
    }
}

}  // namespace
}  // namespace holysheep::transport
