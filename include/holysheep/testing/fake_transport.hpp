// A network for tests: every region follows a script, every request is recorded, nothing leaves the process.
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

/// How long one scripted exchange takes: until the connection stands, from there to the first byte of the answer's
/// body, and between the pieces of a stream. As real gateways do, a good answer to a POST sends its head at once and
/// lets its body be waited for; with `late_head`, and for errors and GETs, the head comes with the body.
struct Timing {
    std::chrono::nanoseconds connect{0}, first_byte{0}, between{0};
    bool late_head = false;
};

/// `complete`: the protocol's regular end. `cut`: the connection is lost. `silent`: it stays open and nothing more
/// comes.
enum class StreamEnd { complete, cut, silent };

struct StreamOptions {
    Timing timing{};
    StreamEnd end = StreamEnd::complete;
    std::string finish_reason = "stop";  ///< empty: no chunk says why the text ended
    bool done_marker = true;             ///< send `data: [DONE]`
    bool usage = true;                   ///< send usage if the request asked for it
};

/// One request as the transport was given it.
struct SeenTransfer {
    TransferId id = 0;
    std::string region{};  ///< empty: the URL's host is not `<id>.test`
    HttpRequest request{};
    Clock::time_point started{};
    bool sent = false;  ///< `may_send` said yes
    bool cancelled = false;
    bool ended = false;  ///< `on_end` was delivered
};

/// A `Transport` that follows a script per region. Each scripting function appends one step and returns the transport;
/// each request takes the next step of its region, and the last step repeats for ever. GET and HEAD walk the same
/// script with a cursor of their own, so that health probes do not eat the steps written for calls; where a step is a
/// chat answer, they get a list of models. A request for a region without a script fails and says so.
///
///     FakeClock clock(FakeClock::Mode::automatic);
///     FakeTransport transport(clock);
///     transport.fail("us-west", ErrorCode::transport_failed).reply("eu-central", "hello");
///
/// Answers take the form the request asked for: `reply` to a request with `stream` travels as a stream, and a scripted
/// stream to a request without it travels whole. Scripting and reading are thread-safe; the `Transport` functions are
/// called where the clock runs its functions. Events come only from the clock, never from inside `start`.
class FakeTransport final : public Transport {
  public:
    using Headers = std::vector<std::pair<std::string, std::string>>;

    /// The clock must outlive the transport's use; what is still scheduled when the transport goes is ignored.
    explicit FakeTransport(Clock& clock);
    ~FakeTransport() override;
    FakeTransport(const FakeTransport&) = delete;
    FakeTransport& operator=(const FakeTransport&) = delete;

    /// Regions this transport recognises: `https://<id>.test/v1`.
    static std::vector<Region> regions(std::initializer_list<std::string_view> ids);
    static std::vector<Region> regions(const std::vector<std::string>& ids);

    /// A valid completion with this text, and usage.
    FakeTransport& reply(std::string_view region, std::string_view text, Timing timing = {});
    /// Any HTTP answer, byte for byte, to any method.
    FakeTransport& reply_raw(std::string_view region, int status, Headers headers, std::string body,
                             Timing timing = {});
    /// The transfer ends with this error after `timing.connect`. With `certainly_not_delivered` false the request was
    /// sent, and the error comes `timing.first_byte` later.
    FakeTransport& fail(std::string_view region, ErrorCode code, bool certainly_not_delivered = true,
                        Timing timing = {});
    /// Connects, takes the request and never answers.
    FakeTransport& hang(std::string_view region, Timing timing = {});
    FakeTransport& never_connects(std::string_view region);
    /// A pooled connection turned out to be dead: `transport_failed`, reused, and nobody knows whether it was
    /// delivered.
    FakeTransport& lose_reused_connection(std::string_view region, Timing timing = {});
    /// A stream with these pieces of text.
    FakeTransport& stream(std::string_view region, std::vector<std::string> pieces, StreamOptions options = {});
    /// The pieces arrive, then the connection is lost.
    FakeTransport& stream_cut(std::string_view region, std::vector<std::string> pieces, Timing timing = {});
    /// The pieces arrive, then nothing more.
    FakeTransport& stream_stall(std::string_view region, std::vector<std::string> pieces, Timing timing = {});
    /// A 200 `text/event-stream` with exactly these portions of bytes.
    FakeTransport& stream_bytes(std::string_view region, std::vector<std::string> portions,
                                StreamEnd end = StreamEnd::complete, Timing timing = {});
    /// Answers with these pieces as far as `at`, then freezes the whole region: nothing comes from there any more, for
    /// this request, any other or a probe, until `clear`. Connections are still accepted.
    FakeTransport& freeze(std::string_view region, FreezeAt at, std::vector<std::string> pieces = {"hello"},
                          Timing timing = {});
    /// Freezes the region now.
    FakeTransport& freeze_now(std::string_view region);
    /// From now on, GET and HEAD are never answered there, whatever the script says, until `clear`.
    FakeTransport& hang_probes(std::string_view region);
    /// Forgets the region's script, so that a new one can be written: the region changes its mind. It thaws, if
    /// it was frozen; what was silent stays so.
    FakeTransport& clear(std::string_view region);

    /// Every request so far, in order of `start`.
    std::vector<SeenTransfer> requests() const;
    /// The regions of the requests with this method, in order; an empty method: of all requests.
    std::vector<std::string> attempts(std::string_view method = "POST") const;
    /// Transfers that neither ended nor were cancelled.
    std::size_t open_transfers() const;
    void clear_requests();

    TransferId start(HttpRequest request, TransferEvents& events) override;
    void cancel(TransferId id) override;
    /// Withholds what follows the connection (head, body, end) until `resume`.
    void pause(TransferId id) override;
    void resume(TransferId id) override;
    /// What `set_evidence` gave, for every transfer; unset by default.
    std::optional<PathEvidence> evidence(TransferId id) const override;
    void set_evidence(std::optional<PathEvidence> evidence);

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
