// Turns checked options into destinations.
// ClientOptions → [make_targets] → execution::Target
#pragma once

#include <cstdint>
#include <vector>

#include <holysheep/options.hpp>

#include "execution/exchange.hpp"
#include "telemetry/redactor.hpp"

namespace holysheep::client {

/// `options` is normalised and checked.
std::vector<execution::Target> make_targets(const ClientOptions& options);
/// A number that stands for the key of each region that has one; 0 for those that take it from `keys` or `key_source`.
std::vector<std::uint64_t> region_accounts(const ClientOptions& options, const std::vector<execution::Target>& targets);
/// Whether a key that one region refuses may be good in another.
bool keys_differ(const std::vector<execution::Target>& targets);
/// Everything in the options that must never be shown.
void collect_secrets(const ClientOptions& options, telemetry::Redactor& redactor);

}  // namespace holysheep::client
