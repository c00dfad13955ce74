// Sums what the calls of a client used and cost, by model, region, key and label.
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
    std::string model{};         ///< as sent to the region
    std::string region{};        ///< id of the region
    int key = 0;                 ///< index in `ClientOptions::keys`; 0 if that is empty. The key itself is not stored
    std::string label{};         ///< `CallOptions::label`
    std::uint64_t calls = 0;     ///< calls whose last attempt is among these, successful or not
    std::uint64_t attempts = 0;  ///< all attempts
    std::uint64_t unknown_cost = 0;        ///< attempts without a known price; their cost is not in the sums
    std::int64_t prompt_tokens = 0;        ///< as the gateway counted them
    std::int64_t cached_input_tokens = 0;  ///< of these, read from a cache
    std::int64_t cache_write_tokens = 0;   ///< of these, written to a cache
    std::int64_t completion_tokens = 0;    ///< as the gateway counted them
    std::int64_t reasoning_tokens = 0;     ///< of these, spent on reasoning
    /// Prompt tokens of attempts that may have reached the gateway but returned no usage: four bytes count as one
    /// token.
    std::int64_t estimated_prompt_tokens = 0;
    std::int64_t estimated_completion_tokens = 0;  ///< likewise, for the text that was received
    Money cost{};                                  ///< of counted tokens, or as the gateway reported it
    Money estimated_cost{};                        ///< of estimated tokens, not included in `cost`
};

/// A snapshot. Raw requests and probes are not included, because their cost is unknown.
struct CostLedger {
    std::vector<CostLine> lines{};  ///< sorted by model, region, key, label

    /// The sum of all lines in one currency; its texts are empty.
    HOLYSHEEP_EXPORT CostLine total(std::string_view currency = "USD") const;
    /// One JSON object, for `from_json`.
    HOLYSHEEP_EXPORT std::string to_json() const;
    /// Reads the text of `to_json`. Returns `invalid_options`, with the line and member, if it cannot be read; `name`
    /// names the text in that message.
    HOLYSHEEP_EXPORT static Result<CostLedger> from_json(std::string_view text, std::string_view name = "ledger");
};

/// Writes a table for people.
HOLYSHEEP_EXPORT std::ostream& operator<<(std::ostream& out, const CostLedger& ledger);

}  // namespace v0
}  // namespace holysheep
