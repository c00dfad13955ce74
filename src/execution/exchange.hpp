// Defines the prepared request of one call, and the regions as its possible destinations.
// Client → [Exchange, Target] → CallDriver → HttpRequest
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <holysheep/chat_completion.hpp>
#include <holysheep/chat_request.hpp>
#include <holysheep/endpoint.hpp>
#include <holysheep/error.hpp>
#include <holysheep/region.hpp>
#include <holysheep/transport.hpp>

#include "wire/chat_encoder.hpp"

namespace holysheep::execution {

/// One region as a destination. Its headers contain its key: they are never sent to another target.
struct Target {
    Region region{};
    std::string base_url{};  ///< without a trailing slash and without its query
    std::string query{};     ///< "?…", or empty
    std::string chat_url{};
    std::vector<std::pair<std::string, std::string>> headers{};
};

/// The size of a call, for limits that count tokens.
struct CallSize {
    std::int64_t prompt_tokens = 0;               ///< an estimate
    std::optional<std::int64_t> answer_tokens{};  ///< the maximum that the request allows
};

/// Assumed tokens of an answer whose length is not limited.
inline constexpr std::int64_t kUnknownAnswer = 1'000;

enum class ExchangeKind { chat, chat_stream, raw };

/// The caller's original request, needed to ask for the rest of a broken stream.
struct Continuation {
    ChatRequest request{};
    std::string extra_json{};  ///< the call's
};

struct Exchange {
    ExchangeKind kind = ExchangeKind::chat;
    wire::EncodedChat chat{};           ///< for the chat kinds
    std::unique_ptr<RawRequest> raw{};  ///< only for `raw`; a pointer, so that other calls stay small
    RequestBody raw_body{};             ///< the body of `raw`, which every attempt shares
    std::string model{};                ///< as requested; "" for `raw`
    std::string model_rule{};           ///< why a different model is requested than `model`; "" if it is not
    bool model_as_it_is = false;        ///< no region maps the name to another one
    std::vector<std::pair<std::string, std::string>> headers{};
    bool several_hosts = false;  ///< the call may go to regions on different hosts
    std::string label{}, idempotency_key{};
    int skip_malformed_chunks = 0;
    CallSize size{};
    int priority = 1;
    std::optional<bool> fail_fast{};  ///< unset: as the limiter is configured, and calls queue for room
    bool rate_limited = false;        ///< whether the client's rate limit counts it
    std::shared_ptr<const Continuation> continuation{};  ///< with StreamRecovery::continue_prefix
};

/// A finished call.
using CallResult = std::variant<ChatCompletion, RawResponse, Error>;

/// Receives one call's answer, on the I/O thread.
class CallSink {
  public:
    virtual ~CallSink() = default;
    /// The events that follow are of another chunk of the wire: until the next one they share their `raw_json`.
    virtual void on_wire_chunk() {}
    /// False: enough for now; the driver stops reading until `CallDriver::resume`.
    virtual bool on_chunk(const ChatChunk& chunk) = 0;
    /// Exactly once, last.
    virtual void on_done(CallResult result) = 0;
};

}  // namespace holysheep::execution
