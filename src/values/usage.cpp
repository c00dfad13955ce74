// Derived token counts.
#include <algorithm>

#include <holysheep/usage.hpp>

#include "values/saturating.hpp"

namespace holysheep {
inline namespace v0 {

std::int64_t Usage::billed_output_tokens() const {
    return std::max(completion_tokens, values::saturating_sum(total_tokens, -std::max(prompt_tokens, std::int64_t{0})));
}

}  // namespace v0
}  // namespace holysheep
