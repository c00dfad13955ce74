// One accepted socket: reads requests, gets a script per request from its region, and plays it piece by piece.
// socket → [SimulatedConnection] → SimulatedGateway → AnswerScript → socket
#pragma once

#include <cstddef>
#include <cstdint>

#include "libevent/handles.hpp"
#include "testing/fault_script.hpp"
#include "testing/http_request_parser.hpp"

namespace holysheep::inline v0::testing {

class SimulatedGateway;

/// States: idle (reading a request) → answering (playing a script) → idle, or retired. Used on the loop's thread. The
/// gateway owns it and deletes it some time after it retired, never from inside its own callbacks.
class SimulatedConnection {
  public:
    SimulatedConnection(event_base* base, evutil_socket_t socket, SimulatedGateway& gateway, std::uint64_t number);
    ~SimulatedConnection();
    SimulatedConnection(const SimulatedConnection&) = delete;
    SimulatedConnection& operator=(const SimulatedConnection&) = delete;

    std::uint64_t number() const { return number_; }
    /// Closes with a TCP reset and retires.
    void reset();
    /// Continues the answer after the region was frozen.
    void resume();

  private:
    void on_readable();
    void on_drained();
    void on_closed();
    void on_time();

    void read_requests();
    void begin(AnswerScript script);
    void play();
    void finish();
    void retire();
    std::size_t unsent_bytes() const;

    SimulatedGateway& gateway_;
    const std::uint64_t number_;
    libevent::BufferEvent socket_;  // null: retired
    libevent::Event timer_;
    HttpRequestParser parser_;
    int requests_ = 0;

    bool answering_ = false;
    std::uint64_t serial_ = 0;  // the request whose answer is not complete; 0: none
    AnswerScript script_;
    std::size_t next_piece_ = 0;
    bool delay_passed_ = false;
    bool draining_ = false;  // continues when all written data has been sent
};

}  // namespace holysheep::inline v0::testing
