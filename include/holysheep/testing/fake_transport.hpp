// A fake network for tests: every region follows a script, every request is recorded, no byte leaves the process.
// client → [FakeTransport] → scripted answers on a FakeClock
#pragma once

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/clock.hpp>
#include <holysheep/error_code.hpp>
#include <holysheep/region.hpp>
#include <holysheep/testing/freeze.hpp>
#include <holysheep/transport.hpp>

namespace holysheep {
inline namespace v0 {
namespace testing {

/// Durations of a scripted exchange.
struct Timing {
    std::chrono::nanoseconds connect{0};     ///< until the connection is ready
    std::chrono::nanoseconds first_byte{0};  ///< from there to the first byte of the body
    std::chrono::nanoseconds between{0};     ///< between the pieces of a stream
    /// false: like real gateways, a successful answer to a POST sends its head at once. true, and for errors and GETs:
    /// the head comes with the body.
    bool late_head = false;
};

/// How a scripted stream ends.
enum class StreamEnd {
    complete,  ///< regularly
    cut,       ///< the connection is lost
    silent     ///< the connection stays open, but nothing more arrives
};

/// Options of a scripted stream.
struct StreamOptions {
    Timing timing{};                      ///< its durations
    StreamEnd end = StreamEnd::complete;  ///< how it ends
    std::string finish_reason = "stop";   ///< empty: no finish reason is sent
    bool done_marker = true;              ///< send `data: [DONE]`
    bool usage = true;                    ///< send usage if the request asks for it
};

/// A recorded request.
struct SeenTransfer {
    TransferId id = 0;            ///< as returned by `start`
    std::string region{};         ///< id of the region; empty: the host of the URL is not `<id>.test`
    HttpRequest request{};        ///< as passed to `start`
    Clock::time_point started{};  ///< virtual time of `start`
    bool sent = false;            ///< `may_send` returned true
    bool cancelled = false;       ///< the client cancelled it
    bool ended = false;           ///< `on_end` was delivered
};

/// A `Transport` that follows a script per region. Each scripting function appends one step and returns the transport.
/// Each request takes the next step of its region; the last step repeats for ever. GET and HEAD follow the same script
/// with a position of their own, so that health probes do not use up the steps written for calls; if a step is a chat
/// answer, they get a list of models. A request to a region without a script fails with a message that says so.
///
///     FakeClock clock(FakeClock::Mode::automatic);
///     FakeTransport transport(clock);
///     transport.fail("us-west", ErrorCode::transport_failed).reply("eu-central", "hello");
///
/// Answers take the form that the request asks for: with `stream`, `reply` is sent as a stream; without it, a scripted
/// stream is sent as a whole. Scripting and reading are thread-safe; the functions of `Transport` are called where the
/// clock runs its functions. Events are delivered by the clock, never from within `start`.
class FakeTransport final : public Transport {
  public:
    /// Names and values.
    using Headers = std::vector<std::pair<std::string, std::string>>;

    /// The clock must outlive the transport. Events that are still scheduled when the transport is destroyed are
    /// dropped.
    explicit FakeTransport(Clock& clock);
    ~FakeTransport() override;
    FakeTransport(const FakeTransport&) = delete;
    FakeTransport& operator=(const FakeTransport&) = delete;

    /// Regions that this transport recognises, with base URLs `https://<id>.test/v1`.
    static std::vector<Region> regions(std::initializer_list<std::string_view> ids);
    static std::vector<Region> regions(const std::vector<std::string>& ids);

    /// Answers with a completion with this text and a usage.
    FakeTransport& reply(std::string_view region, std::string_view text, Timing timing = {});
    /// Answers any method with exactly this HTTP response.
    FakeTransport& reply_raw(std::string_view region, int status, Headers headers, std::string body,
                             Timing timing = {});
    /// Fails with this error after `timing.connect`. If `certainly_not_delivered` is false, the request is sent first,
    /// and the error follows `timing.first_byte` later.
    FakeTransport& fail(std::string_view region, ErrorCode code, bool certainly_not_delivered = true,
                        Timing timing = {});
    /// Connects, receives the request and never answers.
    FakeTransport& hang(std::string_view region, Timing timing = {});
    /// The connection is never ready.
    FakeTransport& never_connects(std::string_view region);
    /// A reused connection is lost: `transport_failed`; whether the request was delivered is unknown.
    FakeTransport& lose_reused_connection(std::string_view region, Timing timing = {});
    /// Answers with a stream of these pieces of text.
    FakeTransport& stream(std::string_view region, std::vector<std::string> pieces, StreamOptions options = {});
    /// Sends the pieces, then loses the connection.
    FakeTransport& stream_cut(std::string_view region, std::vector<std::string> pieces, Timing timing = {});
    /// Sends the pieces, then nothing more.
    FakeTransport& stream_stall(std::string_view region, std::vector<std::string> pieces, Timing timing = {});
    /// Answers with a 200 `text/event-stream` with exactly these portions of bytes.
    FakeTransport& stream_bytes(std::string_view region, std::vector<std::string> portions,
                                StreamEnd end = StreamEnd::complete, Timing timing = {});
    /// Answers with these pieces up to `at`, then freezes the whole region: until `clear`, nothing more arrives from
    /// it, for this request, others or probes. It still accepts connections.
    FakeTransport& freeze(std::string_view region, FreezeAt at, std::vector<std::string> pieces = {"hello"},
                          Timing timing = {});
    /// Freezes the region now.
    FakeTransport& freeze_now(std::string_view region);
    /// GET and HEAD are never answered by the region, whatever the script says, until `clear`.
    FakeTransport& hang_probes(std::string_view region);
    /// Deletes the script of the region, so that a new one can be written, and ends a freeze. Transfers that were
    /// silent remain so.
    FakeTransport& clear(std::string_view region);

    /// All requests so far, in order of `start`.
    std::vector<SeenTransfer> requests() const;
    /// The regions of the requests with this method, in order; an empty method: of all requests.
    std::vector<std::string> attempts(std::string_view method = "POST") const;
    /// Transfers that neither ended nor were cancelled.
    std::size_t open_transfers() const;
    /// Deletes the recorded requests.
    void clear_requests();

    TransferId start(HttpRequest request, TransferEvents& events) override;
    void cancel(TransferId id) override;
    /// Withholds all events after the connection (head, body, end) until `resume`.
    void pause(TransferId id) override;
    void resume(TransferId id) override;
    /// The value of `set_evidence`, for every transfer; unset by default.
    std::optional<PathEvidence> evidence(TransferId id) const override;
    /// Sets the result of `evidence`.
    void set_evidence(std::optional<PathEvidence> evidence);

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
