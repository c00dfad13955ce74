// Who used how much, and what it cost: the account of all calls of a client.
// Client::ledger() → [CostLedger] → JSON, a table, ReturnOnInvestment
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/export.hpp>
#include <holysheep/money.hpp>
#include <holysheep/result.hpp>

namespace holysheep {
inline namespace v0 {

/// The attempts with one model, region, key and label, in one currency.
struct CostLine {
    std::string model{};  ///< as it was sent to the region
    std::string region{};
    int key = 0;              ///< its position in `ClientOptions::keys`, 0 without; the key itself is nowhere
    std::string label{};      ///< `CallOptions::label`
    std::uint64_t calls = 0;  ///< that ended with one of these attempts, well or not
    std::uint64_t attempts = 0;
    std::uint64_t unknown_cost = 0;  ///< attempts that nobody can price: their cost is not in the sums
    /// As the gateway counted them. Cached tokens are a part of the prompt, reasoning of the completion.
    std::int64_t prompt_tokens = 0, cached_input_tokens = 0, cache_write_tokens = 0;
    std::int64_t completion_tokens = 0, reasoning_tokens = 0;
    /// Of attempts that may have reached the gateway, but gave no count: four bytes make a token.
    std::int64_t estimated_prompt_tokens = 0, estimated_completion_tokens = 0;
    Money cost{};            ///< of what the gateway counted or priced itself
    Money estimated_cost{};  ///< of what was estimated, on top
};

/// A snapshot. Raw requests and probes are not in it: nobody knows what they cost.
struct CostLedger {
    std::vector<CostLine> lines{};  ///< sorted by model, region, key, label

    /// The sum of all lines of one currency, with that and nothing else in its names.
    HOLYSHEEP_EXPORT CostLine total(std::string_view currency = "USD") const;
    HOLYSHEEP_EXPORT std::string to_json() const;
    /// What `to_json` wrote. `invalid_options` says which line and member cannot be read; `name` is the text's, for
    /// messages.
    HOLYSHEEP_EXPORT static Result<CostLedger> from_json(std::string_view text, std::string_view name = "ledger");
};

/// A table for people.
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, const CostLedger& ledger);

}  // namespace v0
}  // namespace holysheep
