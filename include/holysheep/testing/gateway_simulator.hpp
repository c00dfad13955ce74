// A gateway on loopback that answers like the real one and fails on demand: one port per region, real sockets.
// test or demo → [GatewaySimulator] ← HTTP/1.1 ← client under test
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/region.hpp>
#include <holysheep/testing/freeze.hpp>

namespace holysheep {
inline namespace v0 {
namespace testing {

/// One region to serve. `latency` passes between a request and the first byte of its answer, `between_chunks` between
/// the pieces of a stream, of which an answer has `chunks`.
struct SimulatedRegion {
    std::string id{};
    std::chrono::milliseconds latency{0};
    std::chrono::milliseconds between_chunks{0};
    int chunks = 8;
    std::uint16_t port = 0;                 ///< 0: any free port, kept for the simulator's lifetime
    std::string host = "127.0.0.1";         ///< the IPv4 address it listens on; see also NetworkSimulator
    std::chrono::milliseconds thinking{0};  ///< passes, after the head, before the body of an answer to a POST
    bool late_head = false;                 ///< the head comes after the thinking too, as it does for errors
};

/// What goes wrong in a region. Except for `refuse` and `flap`, a fault strikes requests, in the place of their answer
/// or in the middle of it.
struct Fault {
    enum class Kind {
        none,                  ///< answers normally
        refuse,                ///< nobody listens on the port; open connections are reset
        reset_before_headers,  ///< takes the request, then resets the connection
        reset_after_headers,   ///< sends the head, then resets
        reset_mid_stream,      ///< resets after `after_chunks` pieces, or half of a body
        hang,                  ///< takes the request and never answers
        hang_after_headers,    ///< sends the head and nothing more
        slow_drip,             ///< sends the body byte by byte, one per `period` (0: 20 ms)
        cut,                   ///< closes, without an error, after `after_chunks` pieces, or half of a body
        garbage,               ///< answers with bytes that are not HTTP
        wrong_content_type,    ///< the right body labelled text/plain
        html,                  ///< an HTML page with `status`, as a proxy in between would send
        empty_body,            ///< 200 without a body
        status,                ///< `status` with `body` (empty: an error that fits), as an API error
        error_in_stream,       ///< an error event after `after_chunks` pieces; without a stream, as `error_in_200`
        error_in_200,          ///< HTTP 200, and in the body an error that carries `status`
        quota,                 ///< 429 with the code insufficient_quota
        flap,                  ///< refuses for one `period` (0: 1 s), answers for one, and so on
        stall_mid_stream,      ///< silent after `after_chunks` pieces; with `period`, sends keep-alive comments
        no_done_marker,        ///< a whole stream, but without `data: [DONE]`
        endless_headers,       ///< header lines without end
        huge_header_line,      ///< one header of 256 KiB
        endless_body,          ///< a body without end
        close_after_response,  ///< answers, promises keep-alive, closes
        freeze                 ///< answers as far as `at`, then the whole region falls silent until it is revived
    };
    Kind kind = Kind::none;
    int status = 503;
    std::vector<std::pair<std::string, std::string>> headers{};  ///< added to the answer, replacing its own
    std::string body{};
    double share = 1.0;  ///< of the requests that would be struck, this share is (seeded random)
    int times = -1;      ///< strikes so many requests, then answers normally; negative: until changed
    std::chrono::milliseconds period{0};
    int after_chunks = 3;
    FreezeAt at = FreezeAt::after_head;
    std::string path{};  ///< strikes only requests whose path contains this, such as "chat"; empty: all
};

std::string_view to_string(Fault::Kind kind);

/// Reads `kind[=status][,name=value…]`, e.g. "status=429,retry-after=2", "cut,after_chunks=5",
/// "hang,path=chat,times=1". Names are the members of `Fault`, `period` in milliseconds (`250` or `250ms`); any other
/// name is a response header. Nullopt for an unknown kind or a number that is none.
std::optional<Fault> fault_from_text(std::string_view text);

/// One request as it came over the wire.
struct SeenRequest {
    std::string region{}, method{}, path{};
    std::vector<std::pair<std::string, std::string>> headers{};  ///< names as sent
    std::string body{};                                          ///< capped, see `SimulatorOptions`
    std::chrono::steady_clock::time_point when{};
    std::uint64_t connection = 0;      ///< 1, 2, … in the order the simulator accepted them
    int number_on_connection = 0;      ///< 1: the first; above: a reused connection
    int status = 0;                    ///< of the answer that was chosen; 0: one without a head
    bool answered = false;             ///< the answer was written to its end, whatever that end was
    bool client_closed_early = false;  ///< the client left before that

    /// The first header with this name, in any case; empty if there is none.
    std::string_view header(std::string_view name) const;
};

struct SimulatorOptions {
    std::string api_key{};              ///< empty: any key, or none, is accepted; else others get a 401
    bool record = true;                 ///< keep `SeenRequest`s; counters work either way. Off for load tests
    std::size_t max_recorded = 20'000;  ///< per region; the oldest go first
    std::size_t max_body = 64 * 1024;   ///< recorded bytes per request
    std::uint64_t seed = 1;             ///< for `Fault::share`
};

/// Serves POST /v1/chat/completions (whole and streamed, tools, several choices), POST /v1/embeddings, GET and HEAD
/// /v1/models. The text answered is "[<region>] <last user message>", filled up to `chunks` pieces; a request that
/// offers tools and whose last user message contains "tool" gets a call of the first tool. The model "missing-model"
/// does not exist.
///
///     GatewaySimulator gateway({{.id = "us-west"}, {.id = "eu-central", .latency = 20ms}});
///     Client client({.api_key = "sk-test", .regions = gateway.regions()});
///     gateway.set_fault("us-west", {.kind = Fault::Kind::refuse});
///
/// One thread serves all regions and thousands of streams. All functions may be called from any thread; changes hold
/// for every request that arrives after the function returned. An unknown region id throws std::out_of_range. The
/// destructor closes everything at once and joins.
class GatewaySimulator {
  public:
    /// Throws std::invalid_argument for bad or repeated ids, std::runtime_error if a port cannot be had.
    explicit GatewaySimulator(std::vector<SimulatedRegion> regions, SimulatorOptions options = {});
    ~GatewaySimulator();
    GatewaySimulator(const GatewaySimulator&) = delete;
    GatewaySimulator& operator=(const GatewaySimulator&) = delete;

    std::uint16_t port(std::string_view id) const;
    /// `http://<host>:<port>/v1`
    std::string base_url(std::string_view id) const;
    /// For `ClientOptions::regions`, in the order given to the constructor.
    std::vector<Region> regions() const;

    void set_fault(std::string_view id, Fault fault);
    /// Ends the region's fault; after `refuse` it listens on the same port again, after `freeze` it goes on.
    void revive(std::string_view id);
    void set_latency(std::string_view id, std::chrono::milliseconds latency);
    void set_thinking(std::string_view id, std::chrono::milliseconds thinking);
    void set_late_head(std::string_view id, bool late_head);
    void set_stream(std::string_view id, int chunks, std::chrono::milliseconds between_chunks);
    /// Resets the region's open connections; the port stays open.
    void reset_connections(std::string_view id);

    /// Recorded requests in order of arrival; an empty id: of all regions.
    std::vector<SeenRequest> seen(std::string_view id = {}) const;
    /// Forgets records; counters stay.
    void clear_seen();

    std::size_t open_connections(std::string_view id) const;
    std::uint64_t connections(std::string_view id) const;   ///< accepted since the start
    std::uint64_t requests(std::string_view id) const;      ///< complete requests since the start
    std::uint64_t early_closes(std::string_view id) const;  ///< of those, how many the client did not wait for

    /// These wait until the region's counter has reached n, or no connection is open; false after the timeout.
    bool wait_for_requests(std::string_view id, std::uint64_t n, std::chrono::milliseconds timeout) const;
    bool wait_for_early_closes(std::string_view id, std::uint64_t n, std::chrono::milliseconds timeout) const;
    bool wait_until_closed(std::string_view id, std::chrono::milliseconds timeout) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
