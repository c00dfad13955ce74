// Prices and limits of models: a price list that ships with the library, and the program's own entries.
// [ModelCatalogue] → cost_of, ClientOptions::models, Client::set_prices
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/export.hpp>
#include <holysheep/money.hpp>
#include <holysheep/result.hpp>

namespace holysheep {
inline namespace v0 {

/// Other prices for calls with long prompts. They apply to all tokens of such a call, not only to those above the
/// limit.
struct PriceTier {
    std::int64_t above_input_tokens = 0;  ///< applies to prompts of more tokens than this, including cached ones
    Money input{};                        ///< per `ModelPrice::per_tokens` prompt tokens
    std::optional<Money> cached_input{};  ///< for tokens read from a cache; unset: as `input`
    std::optional<Money> cache_write{};   ///< for tokens written to a cache; unset: as `input`
    Money output{};                       ///< for completion tokens, including reasoning
};

/// Prices per `per_tokens` tokens, all in one currency.
struct ModelPrice {
    Money input{};                        ///< for prompt tokens
    std::optional<Money> cached_input{};  ///< for prompt tokens read from a cache; unset: as `input`
    std::optional<Money> cache_write{};   ///< for prompt tokens written to a cache; unset: as `input`
    Money output{};                       ///< for completion tokens, including reasoning
    std::int64_t per_tokens = 1'000'000;  ///< number of tokens that the prices refer to
    std::string as_of{};                  ///< date of the prices, such as "2026-08"
    std::string source{};                 ///< origin of the prices
    std::vector<PriceTier> tiers{};       ///< other prices for long prompts
};

/// Properties of a model that the client cannot find out itself.
struct ModelTraits {
    bool reasoning = false;  ///< may think for minutes before or within an answer: longer defaults of `TimeoutOptions`
    bool prefill = false;    ///< continues an assistant message at the end: `StreamRecovery::continue_prefix`
    std::int64_t context_window = 0;    ///< tokens of prompt and answer together; 0: unknown
    std::int64_t max_output = 0;        ///< tokens of an answer; bounds reservations (BudgetOptions); 0: unknown
    std::optional<ModelPrice> price{};  ///< unset: unknown
};

/// Models by name. A plain value that can be copied and changed; not synchronised between threads.
///
///     auto catalogue = holysheep::ModelCatalogue::built_in();
///     catalogue.amend("gpt-4.1", {.price = holysheep::ModelPrice{.input = holysheep::usd("1.80"),
///                                                                .output = holysheep::usd("7.20")}});
///     client.set_prices(catalogue);
class HOLYSHEEP_EXPORT ModelCatalogue {
  public:
    /// An empty catalogue.
    ModelCatalogue() = default;

    /// List prices of some models, each with its date and source. A gateway may charge other prices: a cost that it
    /// reports (`Usage::reported_cost`) and your own prices take precedence.
    static ModelCatalogue built_in();

    /// Reads a price list in one of two formats, which are recognised automatically. In the library's own format,
    /// amounts are decimals in strings, and all members but `models`, `input` and `output` are optional:
    ///
    ///     {"currency": "USD", "per_tokens": 1000000, "as_of": "2026-08-01", "source": "our contract",
    ///      "models": {"gpt-4.1": {"input": "2.00", "cached_input": "0.50", "output": "8.00", "aliases": ["4.1"],
    ///                             "context_window": 1047576, "max_output": 32768,
    ///                             "tiers": [{"above_input_tokens": 200000, "input": "4.00", "output": "12.00"}]}}}
    ///
    /// The other format is LiteLLM's `model_prices_and_context_window.json`, a flat object of models with prices per
    /// token. Models whose prices are absent or zero there, or that price reasoning separately, are added without a
    /// price; entries that are not chat models are skipped. Errors are `invalid_options` with `name`, the model, the
    /// member and the remedy.
    static Result<ModelCatalogue> from_json(std::string_view text, std::string_view name = "price list");
    /// Reads a price list from a file; see `from_json`.
    static Result<ModelCatalogue> from_file(const std::string& path);

    /// The model of this name, or null. Tries the exact name, then aliases, then the name without its date
    /// ("gpt-4.1-2025-04-14"), then all of these without a prefix up to a slash ("openai/gpt-4.1"). The pointer is
    /// valid until the catalogue changes.
    const ModelTraits* find(std::string_view name) const;
    /// The price of the model, or null.
    const ModelPrice* price(std::string_view name) const;

    /// Adds a model, or replaces all its properties.
    void set(std::string name, ModelTraits traits);
    /// Adds another name for a model. A model with that name takes precedence.
    void add_alias(std::string alias, std::string name);
    /// Changes the members of a model that are set in `traits`; the others (false, 0, no price) keep the values that
    /// `find` returns.
    void amend(const std::string& name, const ModelTraits& traits);
    /// Amends each model of `over`, and adds its aliases.
    void amend(const ModelCatalogue& over);

    /// All names without aliases, in alphabetical order.
    std::vector<std::string> names() const;
    /// Number of models.
    std::size_t size() const { return models_.size(); }

  private:
    const ModelTraits* find_exactly(std::string_view name) const;

    std::map<std::string, ModelTraits, std::less<>> models_;
    std::map<std::string, std::string, std::less<>> aliases_;
};

}  // namespace v0
}  // namespace holysheep
