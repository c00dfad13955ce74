// Takes unset options from the environment.
// environment → [overlay_environment] → ClientOptions
#pragma once

#include <holysheep/options.hpp>

namespace holysheep::client {

/// Sets unset options, unless `use_environment` is false.
void overlay_environment(ClientOptions& options);

}  // namespace holysheep::client
