// Finds out when to retry from error bodies: from members, quoted headers and messages.
// error body (JSON), message → [error_hints] → ErrorFields, Error
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "wire/error_fields.hpp"

namespace holysheep::wire {

/// Reads the hints of the body and of its `error`. Members without a hint leave `fields` unchanged.
void read_retry_hints(const nlohmann::json& object, ErrorFields& fields);

/// The wait in a text: "Please try again in 6.5s", "retry after 20 seconds", "try again in 1m30s".
std::optional<std::chrono::milliseconds> wait_in_words(std::string_view message);

}  // namespace holysheep::wire
