// The error of a call: one flat value with everything that is known about the failure.
// attempts → [Error] → Result
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <holysheep/attempt.hpp>
#include <holysheep/error_code.hpp>
#include <holysheep/export.hpp>

namespace holysheep {
inline namespace v0 {

struct ChatCompletion;

/// A failed call. The texts contain no keys, cookies or passwords.
struct Error {
    ErrorCode code = ErrorCode::transport_failed;  ///< class of the failure
    std::string message{};                         ///< what failed, where, and the remedy
    int http_status = 0;                           ///< status on the wire; 0: there was no HTTP answer
    int effective_status = 0;          ///< the status that the body reports (an error inside a 200), else `http_status`
    std::string provider_type{};       ///< `type` of the gateway's error
    std::string provider_code{};       ///< `code` of the gateway's error
    std::string provider_param{};      ///< `param` of the gateway's error: the member it refers to
    std::string region{};              ///< id of the region that failed; empty: none was involved
    std::string model{};               ///< model of the request
    std::string request_id{};          ///< the gateway's id of the request, from the response headers
    std::optional<ErrorCode> cause{};  ///< class of the first failure, if `code` is `all_regions_unavailable`
    std::optional<milliseconds> retry_after{};  ///< how long to wait, as the gateway or the client's own limiter says
    std::vector<AttemptRecord> attempts{};      ///< in the order of dispatch
    std::shared_ptr<const ChatCompletion> partial{};  ///< what was received before the failure; null: nothing
    std::string raw_body{};                           ///< body of the gateway's answer, at most 8 KiB

    /// Whether the same call may succeed later without a change.
    HOLYSHEEP_EXPORT bool is_retryable() const;
};

/// Writes one line: what failed, where, after which attempts, and the remedy.
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, const Error& error);

/// An `Error` as an exception. Thrown by `Result::value()`, by constructors that check options, and by `usd`.
class HOLYSHEEP_EXPORT Exception : public std::runtime_error {
  public:
    /// `what()` is the line that `operator<<` writes.
    explicit Exception(Error error);
    Exception(const Exception&) = default;
    Exception& operator=(const Exception&) = default;
    ~Exception() override;
    /// The error.
    const Error& error() const noexcept { return *error_; }

  private:
    std::shared_ptr<const Error> error_;
};

}  // namespace v0
}  // namespace holysheep
