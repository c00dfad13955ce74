// The unit of latencies that are averaged and compared.
#pragma once

#include <chrono>

namespace holysheep::values {

/// Milliseconds with fractions: averages and costs need them, and sums of nanoseconds as integers could overflow.
using Latency = std::chrono::duration<double, std::milli>;

}  // namespace holysheep::values
