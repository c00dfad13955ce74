// Builds the targets of requests from validated options.
// ClientOptions → [make_targets] → execution::Target
#pragma once

#include <cstdint>
#include <vector>

#include <holysheep/options.hpp>

#include "execution/exchange.hpp"
#include "telemetry/redactor.hpp"

namespace holysheep::client {

/// `options` must be normalised and valid.
std::vector<execution::Target> make_targets(const ClientOptions& options);
/// The account number of each region's own key; 0 for regions that use `keys` or `key_source`.
std::vector<std::uint64_t> region_accounts(const ClientOptions& options, const std::vector<execution::Target>& targets);
/// Whether a key that one region refuses may be valid in another.
bool keys_differ(const std::vector<execution::Target>& targets);
/// All secrets in the options.
void collect_secrets(const ClientOptions& options, telemetry::Redactor& redactor);

}  // namespace holysheep::client
