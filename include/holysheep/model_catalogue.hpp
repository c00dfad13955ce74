// What models cost and how much they read: a price list that ships with the library, and the programs' own over it.
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

/// Other prices for calls with long prompts. They hold for all tokens of such a call, not only for those above.
struct PriceTier {
    std::int64_t above_input_tokens = 0;  ///< prompts of more tokens than this, cached ones included
    Money input{};
    std::optional<Money> cached_input{}, cache_write{};
    Money output{};
};

/// Prices of `per_tokens` tokens, all in one currency. Prompt tokens that were read from a cache or written to it are
/// priced by `cached_input` and `cache_write`, or like any others where these are unset. Reasoning is output.
struct ModelPrice {
    Money input{};
    std::optional<Money> cached_input{}, cache_write{};
    Money output{};
    std::int64_t per_tokens = 1'000'000;
    std::string as_of{};   ///< when these prices were looked up, such as "2026-08"
    std::string source{};  ///< where
    std::vector<PriceTier> tiers{};
};

/// What the client must know of a model that it cannot find out.
struct ModelTraits {
    bool reasoning = false;  ///< thinks for minutes before or within an answer: longer defaults of `TimeoutOptions`
    bool prefill = false;    ///< goes on from an assistant message at the end: `StreamRecovery::continue_prefix`
    std::int64_t context_window = 0;    ///< tokens of prompt and answer together; 0: not known
    std::int64_t max_output = 0;        ///< tokens of an answer: no call reserves more (BudgetOptions); 0: not known
    std::optional<ModelPrice> price{};  ///< unset: what it costs is not known
};

/// Models by name: a value, to be copied and changed at will.
///
///     auto catalogue = holysheep::ModelCatalogue::built_in();
///     catalogue.amend("gpt-4.1", {.price = holysheep::ModelPrice{.input = holysheep::usd("1.80"),
///                                                                .output = holysheep::usd("7.20")}});
///     client.set_prices(catalogue);
class HOLYSHEEP_EXPORT ModelCatalogue {
  public:
    /// Knows no model.
    ModelCatalogue() = default;

    /// List prices of a few models, each with its date and its source. A gateway may charge others: its own word
    /// (`Usage::reported_cost`) and your prices count for more.
    static ModelCatalogue built_in();

    /// Two formats are understood, and told apart by themselves. The library's own, where amounts are decimals in text
    /// and everything but `models`, `input` and `output` may be left out:
    ///
    ///     {"currency": "USD", "per_tokens": 1000000, "as_of": "2026-08-01", "source": "our contract",
    ///      "models": {"gpt-4.1": {"input": "2.00", "cached_input": "0.50", "output": "8.00", "aliases": ["4.1"],
    ///                             "context_window": 1047576, "max_output": 32768,
    ///                             "tiers": [{"above_input_tokens": 200000, "input": "4.00", "output": "12.00"}]}}}
    ///
    /// And LiteLLM's `model_prices_and_context_window.json`, one flat object of models with prices per token. Models
    /// whose prices are absent or zero there, or that price their reasoning apart, are taken without a price; what is
    /// no chat model is left out. `invalid_options` with the file's `name`, the model, the member and what helps.
    static Result<ModelCatalogue> from_json(std::string_view text, std::string_view name = "price list");
    static Result<ModelCatalogue> from_file(const std::string& path);

    /// The model of this name, or null. The exact name counts first, then an alias, then the name without its date
    /// ("gpt-4.1-2025-04-14"), then all this without what stands before a slash ("openai/gpt-4.1"). The pointer holds
    /// until the catalogue changes.
    const ModelTraits* find(std::string_view name) const;
    /// Its price, where that is known.
    const ModelPrice* price(std::string_view name) const;

    /// Adds a model, or replaces it whole.
    void set(std::string name, ModelTraits traits);
    /// Another name for a model; an own entry of that name counts for more.
    void add_alias(std::string alias, std::string name);
    /// Member by member: what is not set in `traits` (false, 0, no price) stays as `find` knew it.
    void amend(const std::string& name, const ModelTraits& traits);
    /// Amends each model of `over`, and adds its aliases.
    void amend(const ModelCatalogue& over);

    /// In alphabetical order.
    std::vector<std::string> names() const;
    std::size_t size() const { return models_.size(); }

  private:
    const ModelTraits* find_exactly(std::string_view name) const;

    std::map<std::string, ModelTraits, std::less<>> models_;
    std::map<std::string, std::string, std::less<>> aliases_;
};

}  // namespace v0
}  // namespace holysheep
