// Classifies an error by status and provider code.
// ErrorFields → [error_class] → Error::code
#pragma once

#include <holysheep/error_code.hpp>

#include "wire/error_fields.hpp"

namespace holysheep::wire {

/// The provider's codes take precedence over the status: a 429 may mean a rate limit or an empty account. `status` is 0
/// if the error came inside a 200 and names none.
ErrorCode classify_error(int status, const ErrorFields& fields);

}  // namespace holysheep::wire
