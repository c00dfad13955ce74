// Reads typed members, or reports why they are invalid.
#include "accounting/price_fields.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "values/decimal.hpp"

namespace holysheep::accounting {

std::optional<std::string> decimal_text(const nlohmann::json& value) {
    if (value.is_string()) return value.get_ref<const std::string&>();
    if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
    if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
    if (!value.is_number_float()) return std::nullopt;
    std::array<char, 64> digits;
    const auto [end, failed] = std::to_chars(digits.begin(), digits.end(), value.get<double>());
    if (failed != std::errc{}) return std::nullopt;
    return std::string(digits.begin(), end);
}

Error price_list_error(std::string message) {
    return {.code = ErrorCode::invalid_options, .message = std::move(message)};
}

const nlohmann::json* PriceFields::member(std::string_view name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string PriceFields::text(std::string_view name) {
    const auto* value = member(name);
    if (value == nullptr) return {};
    if (value->is_string()) return value->get<std::string>();
    complain(name, "is no text: write it in quotes");
    return {};
}

std::int64_t PriceFields::count(std::string_view name) {
    const auto* value = member(name);
    if (value == nullptr) return 0;
    if (value->is_number_unsigned() && value->get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max()) {
        return value->get<std::int64_t>();
    }
    complain(name, "is no count of tokens: write a whole number, or leave it out");
    return 0;
}

bool PriceFields::flag(std::string_view name) {
    const auto* value = member(name);
    if (value == nullptr) return false;
    if (value->is_boolean()) return value->get<bool>();
    complain(name, "is neither true nor false");
    return false;
}

std::optional<Money> PriceFields::money(std::string_view name, std::string_view currency, int shift) {
    constexpr int kNano = 9;
    const auto* value = member(name);
    if (value == nullptr) return std::nullopt;
    const auto digits = decimal_text(*value);
    const auto nano = digits ? values::scaled_decimal(*digits, kNano + shift) : std::nullopt;
    if (!nano) {
        complain(name, "is no amount of money: write a decimal that is not negative, such as \"2.00\"");
        return std::nullopt;
    }
    return Money{*nano, std::string(currency)};
}

void PriceFields::expect_only(std::initializer_list<std::string_view> names) {
    for (const auto& [name, value] : object_.items()) {
        if (std::ranges::find(names, name) != names.end()) continue;
        std::string known;
        for (const auto each : names) known += (known.empty() ? "" : ", ") + std::string(each);
        complain(name, "is not known; known are " + known);
    }
}

void PriceFields::complain(std::string_view member, std::string_view what) {
    if (!problem_) problem_ = price_list_error(where_ + ": \"" + std::string(member) + "\" " + std::string(what));
}

}  // namespace holysheep::accounting
