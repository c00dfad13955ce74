// The whole public interface. Opt-in extras: <holysheep/coroutine.hpp> (co_await) and <holysheep/json.hpp>
// (nlohmann::json).
#pragma once

#include <holysheep/client.hpp>
#include <holysheep/version.hpp>
