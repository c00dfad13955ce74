// Random numbers that depend only on seed, purpose and indices: the same call meets the same conditions under every
// policy.
// seed, purpose, indices → [RandomStream] → random numbers
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <numbers>

namespace holysheep::sim {

enum class Purpose : std::uint64_t { arrival, service, slow_down, path, fault, policy, client };

/// SplitMix64 with its own distributions, so that figures do not depend on the standard library.
class RandomStream {
  public:
    RandomStream(std::uint64_t seed, Purpose purpose, std::initializer_list<std::uint64_t> indices = {})
        : state_(seed) {
        state_ = next() ^ static_cast<std::uint64_t>(purpose);
        for (const auto index : indices) state_ = next() ^ index;
    }

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15U);
        z = (z ^ (z >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D0'49BB'1331'11EBU;
        return z ^ (z >> 31U);
    }
    /// Uniform in [0, 1).
    double uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
    double uniform(double from, double to) { return from + (to - from) * uniform(); }
    bool chance(double probability) { return uniform() < probability; }
    std::size_t index(std::size_t count) { return static_cast<std::size_t>(uniform() * static_cast<double>(count)); }
    double normal() {
        const double radius = std::sqrt(-2 * std::log(1 - uniform()));
        return radius * std::cos(2 * std::numbers::pi * uniform());
    }
    double log_normal(double median, double sigma) { return median * std::exp(sigma * normal()); }
    double exponential(double mean) { return -mean * std::log(1 - uniform()); }

  private:
    std::uint64_t state_;
};

}  // namespace holysheep::sim
