// What the counts of tokens come to.
#include <algorithm>

#include <holysheep/usage.hpp>

namespace holysheep {
inline namespace v0 {

std::int64_t Usage::billed_output_tokens() const { return std::max(completion_tokens, total_tokens - prompt_tokens); }

}  // namespace v0
}  // namespace holysheep
