// Decodes an unsuccessful response of any form to an Error.
// status, headers, body → [error_decoder: error_fields → error_class] → Error
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <holysheep/error.hpp>

#include "wire/error_fields.hpp"
#include "wire/response_headers.hpp"

namespace holysheep::wire {

/// Fills everything that the response itself contains. The message is one line without markup; the caller sets `region`
/// and removes secrets. An unset body means that none has arrived yet, as opposed to an empty one. `now` matters only
/// for absolute times without a `Date` header.
Error decode_error(int status, HeaderView headers, std::optional<std::string_view> body, std::string_view host,
                   std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// An error that came inside a 200. `effective_status` is the status that it names, if any.
Error error_from_fields(const ErrorFields& fields,
                        std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// The error of a choice whose finish reason means a failure.
Error failed_finish(std::string_view reason);

/// Reads an error from text: JSON, whatever follows it, JSON inside an event stream, or plain words.
ErrorFields read_error_text(std::string_view text);

/// A response with status 200 that is not an answer: the message names its kind, e.g. "HTML instead of a completion".
Error malformed_body(std::string_view body, std::string_view instead_of);

/// Completes the error of a body that came with status 200: the status, and the beginning of the body.
Error with_body(Error error, std::string_view body);

}  // namespace holysheep::wire
