// Reads and validates the members of an entry of a price list; the first problem names the entry and the remedy.
// JSON → [PriceFields] → own and LiteLLM price lists
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <holysheep/model_catalogue.hpp>

namespace holysheep::accounting {

/// The decimal digits of a number or a string. A binary fraction becomes its shortest representation, as it was
/// written. Returns nullopt for other types.
std::optional<std::string> decimal_text(const nlohmann::json& value);

class PriceFields {
  public:
    /// `where` precedes every problem, such as `prices.json: model "gpt-4.1"`.
    PriceFields(const nlohmann::json& object, std::string where) : object_(object), where_(std::move(where)) {}

    const std::string& where() const { return where_; }
    const nlohmann::json* member(std::string_view name) const;
    std::string text(std::string_view name);
    std::int64_t count(std::string_view name);
    bool flag(std::string_view name);
    /// An amount of money, multiplied by 10^shift if its unit is smaller than that of the price.
    std::optional<Money> money(std::string_view name, std::string_view currency, int shift = 0);
    /// Reports members with any other name as problems.
    void expect_only(std::initializer_list<std::string_view> names);
    void complain(std::string_view member, std::string_view what);
    /// The first problem found; unset if none.
    const std::optional<Error>& problem() const { return problem_; }

  private:
    const nlohmann::json& object_;
    std::string where_;
    std::optional<Error> problem_;
};

Error price_list_error(std::string message);

/// Reads one flat object of models with prices per token (LiteLLM).
Result<ModelCatalogue> read_flat_list(const nlohmann::json& list, std::string_view file);

}  // namespace holysheep::accounting
