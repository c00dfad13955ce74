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

/// Fills everything that the answer itself tells. The message is one line without markup; `region` and the removal of
/// secrets are the caller's. No body: none has come yet, which an empty one would deny. `now` matters only for moments
/// without a `Date` beside them.
Error decode_error(int status, HeaderView headers, std::optional<std::string_view> body, std::string_view host,
                   std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// An error that came inside a 200. `effective_status` is the status that it names, if any.
Error error_from_fields(const ErrorFields& fields,
                        std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// For a choice that ended with a finish reason that means a failure.
Error failed_finish(std::string_view reason);

/// What a text says that stands for an error: JSON, whatever follows it, JSON inside an event stream, or plain words.
ErrorFields read_error_text(std::string_view text);

/// An answer with status 200 that is no answer: says what it is, e.g. "HTML instead of a completion".
Error malformed_body(std::string_view body, std::string_view instead_of);

/// The beginning of a body, cut between characters.
std::string body_snippet(std::string_view body, std::size_t limit);

}  // namespace holysheep::wire
