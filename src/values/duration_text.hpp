// Durations in error messages, logs and attempt summaries.
#pragma once

#include <chrono>
#include <string>

namespace holysheep::values {

/// "1500 ms". Takes any value: options that cannot work, and what gateways ask for, may be longer than nanoseconds
/// count.
std::string milliseconds_text(std::chrono::milliseconds span);

/// "3 s" for whole seconds, else "1500 ms"; fractions of a millisecond are rounded up, so that a wait of that length is
/// long enough.
std::string wait_text(std::chrono::nanoseconds span);

/// "0.1 ms", "212 ms", "12.3 s": a measured duration with at most four digits.
std::string measured_text(std::chrono::nanoseconds span);

}  // namespace holysheep::values
