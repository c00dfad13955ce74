// Members of a price list's entry, read without trusting it; the first complaint names the entry and what helps.
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

/// The digits of a number or a string. Those of a binary fraction are the shortest that mean it, which is how somebody
/// wrote it. Nothing for anything else.
std::optional<std::string> decimal_text(const nlohmann::json& value);

class PriceFields {
  public:
    /// `where` is told with every complaint, such as `prices.json: model "gpt-4.1"`.
    PriceFields(const nlohmann::json& object, std::string where) : object_(object), where_(std::move(where)) {}

    const std::string& where() const { return where_; }
    const nlohmann::json* member(std::string_view name) const;
    std::string text(std::string_view name);
    std::int64_t count(std::string_view name);
    bool flag(std::string_view name);
    /// An amount of money; `shift` more digits than it is written with, where its unit is smaller than the price's.
    std::optional<Money> money(std::string_view name, std::string_view currency, int shift = 0);
    /// Complains of a member that has none of these names.
    void expect_only(std::initializer_list<std::string_view> names);
    void complain(std::string_view member, std::string_view what);
    /// The first one.
    const std::optional<Error>& complaint() const { return complaint_; }

  private:
    const nlohmann::json& object_;
    std::string where_;
    std::optional<Error> complaint_;
};

Error price_list_error(std::string message);

/// One flat object of models, prices per token (LiteLLM).
Result<ModelCatalogue> read_flat_list(const nlohmann::json& list, std::string_view file);

}  // namespace holysheep::accounting
