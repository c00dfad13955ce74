// The body of GET /models → Model list.
// body → [models_decoder] → Client::models
#pragma once

#include <string_view>
#include <vector>

#include <holysheep/endpoint.hpp>
#include <holysheep/result.hpp>

namespace holysheep::wire {

/// Takes `{"data":[…]}`, a bare array, and `{"models":[…]}`. Entries without an id are passed over.
Result<std::vector<Model>> decode_models(std::string_view body);

}  // namespace holysheep::wire
