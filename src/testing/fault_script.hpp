// Determines what a connection writes for a request, and when: a healthy answer, modified by a fault.
// gateway answer + Fault → [fault script] → SimulatedConnection
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <holysheep/testing/gateway_simulator.hpp>

#include "testing/gateway_answer.hpp"

namespace holysheep::inline v0::testing {

/// Bytes to write, `delay` after the previous piece was passed to the socket.
struct Piece {
    std::string bytes{};
    std::chrono::milliseconds delay{0};
};

/// What happens to the connection after the last piece. `silence`: nothing, until the client closes it.
enum class Ending { keep_alive, close, reset, silence };

struct AnswerScript {
    int status = 0;  ///< 0: no head is sent
    std::vector<Piece> pieces{};
    bool repeat_last = false;  ///< repeat the last piece as fast as it is read or its delay allows
    Ending ending = Ending::keep_alive;
    bool freezes = false;  ///< after the last piece, freeze the whole region
};

/// The timing of an answer; `thinking` passes between the head and the body.
struct Pace {
    std::chrono::milliseconds latency{0}, between_chunks{0}, thinking{0};
    bool late_head = false;
};

AnswerScript script_answer(const GatewayAnswer& answer, const ParsedRequest& request, const Fault& fault, Pace pace);

/// For invalid requests: answers with the status and closes.
AnswerScript script_refusal(int status);

}  // namespace holysheep::inline v0::testing
