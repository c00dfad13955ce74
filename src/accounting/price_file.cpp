// Reads the library's own price list, and detects which of the two formats a text has.
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include <holysheep/model_catalogue.hpp>

#include "accounting/price_fields.hpp"

namespace holysheep {
inline namespace v0 {
namespace {

using accounting::price_list_error;
using accounting::PriceFields;
using nlohmann::json;

/// Members that apply to all prices of the list.
struct Terms {
    std::string currency = "USD";
    std::int64_t per_tokens = 1'000'000;
    std::string as_of{}, source{};
};

std::optional<Error> read_tiers(const json& tiers, const std::string& where, const Terms& terms, ModelPrice& price) {
    if (!tiers.is_array()) return price_list_error(where + ": \"tiers\" is no list: write it in [ ]");
    for (const auto& entry : tiers) {
        const auto here = where + ": tier " + std::to_string(price.tiers.size() + 1);
        if (!entry.is_object()) return price_list_error(here + " is no object: write it in { }");
        PriceFields fields(entry, here);
        fields.expect_only({"above_input_tokens", "input", "cached_input", "cache_write", "output"});
        const auto input = fields.money("input", terms.currency);
        const auto output = fields.money("output", terms.currency);
        PriceTier tier{.above_input_tokens = fields.count("above_input_tokens"),
                       .input = input.value_or(Money{}),
                       .cached_input = fields.money("cached_input", terms.currency),
                       .cache_write = fields.money("cache_write", terms.currency),
                       .output = output.value_or(Money{})};
        if (!input) fields.complain("input", "is missing");
        if (!output) fields.complain("output", "is missing");
        if (tier.above_input_tokens == 0)
            fields.complain("above_input_tokens", "is missing: say where the tier begins");
        if (fields.problem()) return fields.problem();
        price.tiers.push_back(std::move(tier));
    }
    return std::nullopt;
}

std::optional<Error> read_model(const std::string& name, const json& entry, std::string_view file, const Terms& terms,
                                ModelCatalogue& catalogue) {
    const auto where = std::string(file) + ": model \"" + name + '"';
    if (!entry.is_object()) return price_list_error(where + " is no object: write its prices in { }");
    PriceFields fields(entry, where);
    fields.expect_only({"input", "cached_input", "cache_write", "output", "tiers", "aliases", "context_window",
                        "max_output", "reasoning", "prefill", "as_of", "source"});
    ModelTraits traits{.reasoning = fields.flag("reasoning"),
                       .prefill = fields.flag("prefill"),
                       .context_window = fields.count("context_window"),
                       .max_output = fields.count("max_output")};
    const auto input = fields.money("input", terms.currency);
    const auto output = fields.money("output", terms.currency);
    if (input.has_value() != output.has_value()) {
        fields.complain(input ? "output" : "input", "is missing: give both prices, or none where they are not known");
    }
    if (input && output) {
        traits.price = ModelPrice{.input = *input,
                                  .cached_input = fields.money("cached_input", terms.currency),
                                  .cache_write = fields.money("cache_write", terms.currency),
                                  .output = *output,
                                  .per_tokens = terms.per_tokens,
                                  .as_of = fields.text("as_of"),
                                  .source = fields.text("source")};
        if (traits.price->as_of.empty()) traits.price->as_of = terms.as_of;
        if (traits.price->source.empty()) traits.price->source = terms.source;
        if (const auto* tiers = fields.member("tiers")) {
            if (auto error = read_tiers(*tiers, where, terms, *traits.price)) return error;
        }
    }
    if (const auto* aliases = fields.member("aliases")) {
        for (const auto& alias : aliases->is_array() ? *aliases : json::array({json()})) {
            if (alias.is_string()) {
                catalogue.add_alias(alias.get<std::string>(), name);
            } else {
                fields.complain("aliases", "is no list of names: write [\"name\"]");
            }
        }
    }
    catalogue.set(name, std::move(traits));
    return fields.problem();
}

Result<ModelCatalogue> read_own_list(const json& list, std::string_view file) {
    PriceFields fields(list, std::string(file));
    fields.expect_only({"currency", "per_tokens", "as_of", "source", "models"});
    Terms terms{.as_of = fields.text("as_of"), .source = fields.text("source")};
    if (fields.member("currency") != nullptr) terms.currency = fields.text("currency");
    if (fields.member("per_tokens") != nullptr) {
        terms.per_tokens = fields.count("per_tokens");
        if (terms.per_tokens == 0) fields.complain("per_tokens", "must be more than 0");
    }
    if (terms.currency.empty()) fields.complain("currency", "is empty: write one such as \"USD\", or leave it out");
    if (fields.problem()) return *fields.problem();
    ModelCatalogue catalogue;
    for (const auto& [name, entry] : list["models"].items()) {
        if (auto error = read_model(name, entry, file, terms, catalogue)) return std::move(*error);
    }
    return catalogue;
}

}  // namespace

Result<ModelCatalogue> ModelCatalogue::from_json(std::string_view text, std::string_view name) {
    const auto list = json::parse(text, nullptr, false);
    const auto file = std::string(name);
    if (list.is_discarded()) return price_list_error(file + " is not JSON: the text ends early or has a typing error");
    if (!list.is_object()) return price_list_error(file + " is no price list: write {\"models\": {…}}");
    const auto models = list.find("models");
    if (models == list.end()) return accounting::read_flat_list(list, name);
    if (!models->is_object()) return price_list_error(file + ": \"models\" is no object: write {\"name\": {…}}");
    return read_own_list(list, name);
}

Result<ModelCatalogue> ModelCatalogue::from_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file || !text) {
        const std::error_code why(errno, std::generic_category());
        return price_list_error(path + " cannot be read (" + why.message() + "): give the path of a JSON price list");
    }
    return from_json(text.str(), path);
}

}  // namespace v0
}  // namespace holysheep
