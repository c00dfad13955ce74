// Rules that choose a model for each request, so that easy requests go to a cheaper one.
// ChatRequest → [ModelRule*] → the model that is used
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

/// The first rule of `ClientOptions::model_rules` whose `when` returns true determines the model; if none does, it is
/// `ChatRequest::model`.
struct ModelRule {
    /// Runs on the calling thread, so several may run at the same time; an exception fails the call with
    /// `invalid_request`.
    std::function<bool(const ChatRequest&)> when{};
    std::string model{};  ///< the model to use
    std::string name{};   ///< in `ChatCompletion::model_reason`; empty: its position, such as "model_rules[0]"
};

/// Estimates the tokens of a prompt; limits, budgets and hedging use this, too. Four bytes of messages and tools count
/// as one token. An image or an audio clip counts as 1,000 tokens and a file as 5,000, whatever its size, because
/// models count pixels, seconds and pages: an image of one megapixel is 250 to 1,600 tokens, 30 seconds of audio 300
/// to 1,000, a page of a PDF 250 to 3,000. In `extra_json` and `RawPart`, data URLs and long Base64 in members named
/// `data` or `file_data` count as such media.
HOLYSHEEP_EXPORT std::int64_t estimated_prompt_tokens(const ChatRequest& request);

/// A rule that uses `model` for prompts of at most `tokens` tokens, by `estimated_prompt_tokens`.
HOLYSHEEP_EXPORT ModelRule when_prompt_at_most(std::int64_t tokens, std::string model);

/// One rule for each of `models` that has a price in `catalogue`, cheapest first by the price of one prompt token plus
/// one answer token. A model is used if the prompt and the longest answer that the request allows fit into its context
/// window, or if the size of the window is unknown.
HOLYSHEEP_EXPORT std::vector<ModelRule> cheapest_that_fits(
    const std::vector<std::string>& models, const ModelCatalogue& catalogue = ModelCatalogue::built_in());

}  // namespace v0
}  // namespace holysheep
