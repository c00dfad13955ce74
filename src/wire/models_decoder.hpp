// Decodes the body of GET /models to a list of models.
// body → [models_decoder] → Client::models
#pragma once

#include <string_view>
#include <vector>

#include <holysheep/endpoint.hpp>
#include <holysheep/result.hpp>

namespace holysheep::wire {

/// Accepts `{"data":[…]}`, a bare array, and `{"models":[…]}`. Entries without an id are skipped.
Result<std::vector<Model>> decode_models(std::string_view body);

}  // namespace holysheep::wire
