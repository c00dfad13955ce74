// One scripted exchange: the step as written in the script, and its actions for a given request.
// FakeTransport's script → [TransferScript] → actions, each with a delay → events
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <holysheep/error_code.hpp>
#include <holysheep/testing/fake_transport.hpp>
#include <holysheep/transport.hpp>

namespace holysheep::inline v0::testing {

/// The steps of a script. `ChatStep` becomes JSON or an event stream, as the request demands.
struct ChatStep {
    std::vector<std::string> pieces{};
    StreamOptions options{};
};
struct RawStep {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers{};
    std::vector<std::string> portions{};
    StreamEnd end = StreamEnd::complete;
    Timing timing{};
};
struct FailStep {
    ErrorCode code = ErrorCode::transport_failed;
    bool certainly_not_delivered = true, connection_reused = false;
    std::string detail{};
    Timing timing{};
};
struct HangStep {
    Timing timing{};
};
struct NeverConnectStep {};
struct FreezeStep {
    FreezeAt at = FreezeAt::before_head;
    std::vector<std::string> pieces{};
    Timing timing{};
};
using Step = std::variant<ChatStep, RawStep, FailStep, HangStep, NeverConnectStep, FreezeStep>;

/// The next event of a transfer, `after` the previous one.
struct Action {
    enum class Kind { connect, head, body, end, freeze };
    Kind kind = Kind::connect;
    std::chrono::nanoseconds after{0};
    HttpHead head{};
    std::string bytes{};
    TransferEnd end{};
};

/// Without an `end` move, the transfer never ends.
std::vector<Action> actions_for(const Step& step, const HttpRequest& request, std::string_view region, TransferId id);

}  // namespace holysheep::inline v0::testing
