// Finds models by name. Gateways often add a prefix or a date to it.
#include <holysheep/model_catalogue.hpp>

#include <algorithm>
#include <utility>

#include "values/ascii.hpp"

namespace holysheep {
inline namespace v0 {
namespace {

/// A date at the end: "-2025-04-14" or "-20250929"; some clouds use "@".
bool is_date(std::string_view text) {
    if (text.size() != 9 && text.size() != 11) return false;
    if (text[0] != '-' && text[0] != '@') return false;
    std::string digits;
    for (std::size_t i = 1; i < text.size(); ++i) {
        const bool dash = text.size() == 11 && (i == 5 || i == 8);
        if (dash != (text[i] == '-')) return false;
        if (!dash) digits += text[i];
    }
    if (!std::ranges::all_of(digits, values::is_digit)) return false;
    const auto number = [&](std::size_t at, std::size_t length) { return std::stoi(digits.substr(at, length)); };
    return number(0, 2) == 20 && number(4, 2) >= 1 && number(4, 2) <= 12 && number(6, 2) >= 1 && number(6, 2) <= 31;
}

/// The name without a date at its end; "" if it has none.
std::string_view without_date(std::string_view name) {
    for (const std::size_t length : {11U, 9U}) {
        if (name.size() > length && is_date(name.substr(name.size() - length))) {
            return name.substr(0, name.size() - length);
        }
    }
    return {};
}

}  // namespace

const ModelTraits* ModelCatalogue::find_exactly(std::string_view name) const {
    if (const auto found = models_.find(name); found != models_.end()) return &found->second;
    const auto alias = aliases_.find(name);
    if (alias == aliases_.end()) return nullptr;
    const auto found = models_.find(alias->second);
    return found == models_.end() ? nullptr : &found->second;
}

const ModelTraits* ModelCatalogue::find(std::string_view name) const {
    while (!name.empty()) {
        if (const auto* found = find_exactly(name)) return found;
        if (const auto* found = find_exactly(without_date(name))) return found;
        const auto slash = name.find('/');
        if (slash == std::string_view::npos) break;
        name.remove_prefix(slash + 1);
    }
    return nullptr;
}

const ModelPrice* ModelCatalogue::price(std::string_view name) const {
    const auto* traits = find(name);
    return traits != nullptr && traits->price ? &*traits->price : nullptr;
}

void ModelCatalogue::set(std::string name, ModelTraits traits) {
    models_.insert_or_assign(std::move(name), std::move(traits));
}

void ModelCatalogue::add_alias(std::string alias, std::string name) {
    aliases_.insert_or_assign(std::move(alias), std::move(name));
}

void ModelCatalogue::amend(const std::string& name, const ModelTraits& traits) {
    const auto* known = find(name);
    auto whole = known == nullptr ? ModelTraits{} : *known;
    whole.reasoning |= traits.reasoning;
    whole.prefill |= traits.prefill;
    if (traits.context_window != 0) whole.context_window = traits.context_window;
    if (traits.max_output != 0) whole.max_output = traits.max_output;
    if (traits.price) whole.price = traits.price;
    set(name, std::move(whole));
}

void ModelCatalogue::amend(const ModelCatalogue& over) {
    if (&over == this) return;
    for (const auto& [name, traits] : over.models_) amend(name, traits);
    for (const auto& [alias, name] : over.aliases_) add_alias(alias, name);
}

std::vector<std::string> ModelCatalogue::names() const {
    std::vector<std::string> names;
    names.reserve(models_.size());
    for (const auto& [name, traits] : models_) names.push_back(name);
    return names;
}

}  // namespace v0
}  // namespace holysheep
