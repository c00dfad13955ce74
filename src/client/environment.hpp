// What the environment says where the program says nothing.
// environment → [overlay_environment] → ClientOptions
#pragma once

#include <holysheep/options.hpp>

namespace holysheep::client {

/// Sets what is not set, unless `use_environment` is off: see there.
void overlay_environment(ClientOptions& options);

}  // namespace holysheep::client
