// Rules that give each request the model that suits it, so that easy work goes to a cheaper one.
// ChatRequest → [ModelRule*] → the model that is asked
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <holysheep/chat_request.hpp>
#include <holysheep/export.hpp>
#include <holysheep/model_catalogue.hpp>

namespace holysheep {
inline namespace v0 {

/// The first rule of `ClientOptions::model_rules` whose `when` says yes names the model; without one it is the
/// request's own. `when` runs on the calling thread, many at once; an exception from it fails the call with
/// `invalid_request`.
struct ModelRule {
    std::function<bool(const ChatRequest&)> when{};
    std::string model{};
    std::string name{};  ///< for `ChatCompletion::model_reason`; empty: its position, such as "model_rules[0]"
};

/// An estimate, as limits, budgets and hedging use it, too: four bytes of messages and tools make a token. A picture or
/// a sound counts as 1,000 tokens and a file as 5,000, however many bytes it has, for models count pixels, seconds and
/// pages: a picture of a megapixel is 250 to 1,600 tokens, half a minute of sound 300 to 1,000, a page of a PDF 250 to
/// 3,000. In JSON of the caller's own, data URLs and long base64 in members named `data` or `file_data` are such media.
HOLYSHEEP_EXPORT std::int64_t estimated_prompt_tokens(const ChatRequest& request);

/// `model` for prompts of at most so many tokens, by `estimated_prompt_tokens`.
HOLYSHEEP_EXPORT ModelRule when_prompt_at_most(std::int64_t tokens, std::string model);

/// One rule for each of `models` that `catalogue` has a price for, the cheapest first: it is taken if the prompt and
/// the longest answer that the request allows fit into its context window, where that is known. Ordered by the price of
/// a prompt token and an answer token together.
HOLYSHEEP_EXPORT std::vector<ModelRule> cheapest_that_fits(
    const std::vector<std::string>& models, const ModelCatalogue& catalogue = ModelCatalogue::built_in());

}  // namespace v0
}  // namespace holysheep
