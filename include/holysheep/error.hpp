// What the caller gets instead of an answer: one flat value with everything that is known about the failure.
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

/// A failed call. Texts hold no keys, cookies or passwords; `raw_body` is what the gateway sent, capped at 8 KiB.
struct Error {
    ErrorCode code = ErrorCode::transport_failed;
    std::string message{};     ///< what failed, where, and what helps
    int http_status = 0;       ///< as it was on the wire; 0 without an HTTP answer
    int effective_status = 0;  ///< where the body overrides the HTTP status (an error inside a 200), else `http_status`
    std::string provider_type{}, provider_code{}, provider_param{};
    std::string region{}, model{}, request_id{};
    std::optional<ErrorCode> cause{};           ///< the first failure's class when `code` is `all_regions_unavailable`
    std::optional<milliseconds> retry_after{};  ///< the gateway's hint
    std::vector<AttemptRecord> attempts{};      ///< the trail, in order of dispatch
    std::shared_ptr<const ChatCompletion> partial{};  ///< what a cut stream had delivered, or came with an error
    std::string raw_body{};

    /// Whether the same call may succeed later, without a change by the caller.
    HOLYSHEEP_EXPORT bool is_retryable() const;
};

/// One helpful line: what failed, where, after what, what helps.
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, const Error& error);

/// Thrown by `Result::value()` and by `Client`'s constructor, by nothing else.
class HOLYSHEEP_EXPORT Exception : public std::runtime_error {
  public:
    explicit Exception(Error error);
    Exception(const Exception&) = default;
    Exception& operator=(const Exception&) = default;
    ~Exception() override;
    const Error& error() const noexcept { return *error_; }

  private:
    std::shared_ptr<const Error> error_;
};

}  // namespace v0
}  // namespace holysheep
