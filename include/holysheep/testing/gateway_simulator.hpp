// A simulated gateway on loopback that answers like the real one and fails on demand: one port per region, real
// sockets. test or demo → [GatewaySimulator] ← HTTP/1.1 ← client under test
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

/// One region to serve.
struct SimulatedRegion {
    std::string id{};                             ///< unique name
    std::chrono::milliseconds latency{0};         ///< from a request to the first byte of its answer
    std::chrono::milliseconds between_chunks{0};  ///< between the pieces of a stream
    int chunks = 8;                               ///< pieces of an answer
    std::uint16_t port = 0;                       ///< 0: any free port, kept for the lifetime of the simulator
    std::string host = "127.0.0.1";               ///< IPv4 address to listen on; see also NetworkSimulator
    std::chrono::milliseconds thinking{0};        ///< from the head to the body of an answer to a POST
    bool late_head = false;                       ///< send the head after `thinking`, as for errors
};

/// A fault of a region. Except for `refuse` and `flap`, it affects requests: it replaces their answer or interrupts it.
struct Fault {
    /// What goes wrong.
    enum class Kind {
        none,                  ///< answers normally
        refuse,                ///< the port is closed; open connections are reset
        reset_before_headers,  ///< receives the request, then resets the connection
        reset_after_headers,   ///< sends the head, then resets
        reset_mid_stream,      ///< resets after `after_chunks` pieces, or half of a body
        hang,                  ///< receives the request and never answers
        hang_after_headers,    ///< sends the head and nothing more
        slow_drip,             ///< sends the body byte by byte, one per `period` (0: 20 ms)
        cut,                   ///< closes, without an error, after `after_chunks` pieces, or half of a body
        garbage,               ///< answers with bytes that are not HTTP
        wrong_content_type,    ///< the right body labelled text/plain
        html,                  ///< an HTML page with `status`, as sent by a proxy
        empty_body,            ///< 200 without a body
        status,                ///< an API error: `status` with `body` (empty: an error that matches the status)
        error_in_stream,       ///< an error event after `after_chunks` pieces; without a stream, as `error_in_200`
        error_in_200,          ///< HTTP 200 with an error in the body that contains `status`
        quota,                 ///< 429 with the code insufficient_quota
        flap,                  ///< alternates between refusing and answering, each for one `period` (0: 1 s)
        stall_mid_stream,      ///< silent after `after_chunks` pieces; with `period`, sends keep-alive comments
        no_done_marker,        ///< a complete stream without `data: [DONE]`
        endless_headers,       ///< an endless sequence of header lines
        huge_header_line,      ///< one header of 256 KiB
        endless_body,          ///< an endless body
        close_after_response,  ///< answers, announces keep-alive, closes the connection
        freeze                 ///< answers up to `at`, then the whole region is silent until `revive`
    };
    Kind kind = Kind::none;                                      ///< see Kind
    int status = 503;                                            ///< HTTP status, for the kinds that use one
    std::vector<std::pair<std::string, std::string>> headers{};  ///< response headers to add or replace
    std::string body{};                                          ///< body, for `status`
    double share = 1.0;                   ///< share of requests that are affected (seeded random)
    int times = -1;                       ///< number of requests that are affected; negative: all until changed
    std::chrono::milliseconds period{0};  ///< for `slow_drip`, `flap`, `stall_mid_stream`
    int after_chunks = 3;                 ///< pieces that are sent before the fault
    FreezeAt at = FreezeAt::after_head;   ///< for `freeze`
    std::string path{};  ///< affects only requests whose path contains this, such as "chat"; empty: all
};

/// The name of the enumerator.
std::string_view to_string(Fault::Kind kind);

/// Parses `kind[=status][,name=value…]`, such as "status=429,retry-after=2", "cut,after_chunks=5",
/// "hang,path=chat,times=1". Names are the members of `Fault`, `period` in milliseconds (`250` or `250ms`); any other
/// name is a response header. Returns nullopt for an unknown kind or an invalid number.
std::optional<Fault> fault_from_text(std::string_view text);

/// A recorded request.
struct SeenRequest {
    std::string region{};                                        ///< id of the region
    std::string method{};                                        ///< such as "POST"
    std::string path{};                                          ///< with its query
    std::vector<std::pair<std::string, std::string>> headers{};  ///< names as sent
    std::string body{};                                          ///< at most `SimulatorOptions::max_body` bytes
    std::chrono::steady_clock::time_point when{};                ///< time of arrival
    std::uint64_t connection = 0;                                ///< 1, 2, … in the order of acceptance
    int number_on_connection = 0;      ///< 1: the first request; above: the connection was reused
    int status = 0;                    ///< status of the answer; 0: an answer without a head
    bool answered = false;             ///< the answer was sent completely, as far as the fault allows
    bool client_closed_early = false;  ///< the client closed the connection before that

    /// The first header with this name, ignoring case; empty if there is none.
    std::string_view header(std::string_view name) const;
};

/// Options of a GatewaySimulator.
struct SimulatorOptions {
    std::string api_key{};              ///< the only accepted key, others get a 401; empty: any key, or none
    bool record = true;                 ///< keep `SeenRequest`s; disable for load tests. Counters always work
    std::size_t max_recorded = 20'000;  ///< recorded requests per region; the oldest are dropped first
    std::size_t max_body = 64 * 1024;   ///< recorded bytes per request
    std::uint64_t seed = 1;             ///< seed for `Fault::share`
};

/// Serves POST /v1/chat/completions (whole and streamed, tools, several choices), POST /v1/embeddings, GET and HEAD
/// /v1/models. The text of an answer is "[<region>] <last user message>", padded to `chunks` pieces; a request with
/// tools whose last user message contains "tool" gets a call of the first tool. The model "missing-model" does not
/// exist.
///
///     GatewaySimulator gateway({{.id = "us-west"}, {.id = "eu-central", .latency = 20ms}});
///     Client client({.api_key = "sk-test", .regions = gateway.regions()});
///     gateway.set_fault("us-west", {.kind = Fault::Kind::refuse});
///
/// One thread serves all regions and thousands of streams. All functions may be called from any thread; changes apply
/// to every request that arrives after the function returned. An unknown region id throws std::out_of_range. The
/// destructor closes all connections and joins the thread.
class GatewaySimulator {
  public:
    /// Throws std::invalid_argument for invalid or repeated ids, std::runtime_error if a port is not available.
    explicit GatewaySimulator(std::vector<SimulatedRegion> regions, SimulatorOptions options = {});
    ~GatewaySimulator();
    GatewaySimulator(const GatewaySimulator&) = delete;
    GatewaySimulator& operator=(const GatewaySimulator&) = delete;

    /// The port of the region.
    std::uint16_t port(std::string_view id) const;
    /// `http://<host>:<port>/v1`
    std::string base_url(std::string_view id) const;
    /// All regions, for `ClientOptions::regions`, in the order of the constructor.
    std::vector<Region> regions() const;

    /// Replaces the fault of the region.
    void set_fault(std::string_view id, Fault fault);
    /// Ends the fault of the region; after `refuse` it listens on the same port again, after `freeze` it continues.
    void revive(std::string_view id);
    /// Changes `SimulatedRegion::latency`.
    void set_latency(std::string_view id, std::chrono::milliseconds latency);
    /// Changes `SimulatedRegion::thinking`.
    void set_thinking(std::string_view id, std::chrono::milliseconds thinking);
    /// Changes `SimulatedRegion::late_head`.
    void set_late_head(std::string_view id, bool late_head);
    /// Changes `SimulatedRegion::chunks` and `between_chunks`.
    void set_stream(std::string_view id, int chunks, std::chrono::milliseconds between_chunks);
    /// Resets the open connections of the region; the port stays open.
    void reset_connections(std::string_view id);

    /// The recorded requests in order of arrival; with an empty id, of all regions.
    std::vector<SeenRequest> seen(std::string_view id = {}) const;
    /// Deletes the recorded requests; counters remain.
    void clear_seen();

    /// Connections that are open now.
    std::size_t open_connections(std::string_view id) const;
    std::uint64_t connections(std::string_view id) const;   ///< accepted since the start
    std::uint64_t requests(std::string_view id) const;      ///< complete requests since the start
    std::uint64_t early_closes(std::string_view id) const;  ///< requests whose answer the client did not wait for

    /// Waits until `requests(id)` is at least n. Returns false after the timeout.
    bool wait_for_requests(std::string_view id, std::uint64_t n, std::chrono::milliseconds timeout) const;
    /// Waits until `early_closes(id)` is at least n. Returns false after the timeout.
    bool wait_for_early_closes(std::string_view id, std::uint64_t n, std::chrono::milliseconds timeout) const;
    /// Waits until the region has no open connection. Returns false after the timeout.
    bool wait_until_closed(std::string_view id, std::chrono::milliseconds timeout) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
