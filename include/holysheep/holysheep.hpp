// Includes the whole public interface. Opt-in extras: <holysheep/coroutine.hpp> (co_await) and <holysheep/json.hpp>
// (nlohmann::json).
#pragma once

#include <holysheep/client.hpp>
#include <holysheep/cost.hpp>
#include <holysheep/cost_ledger.hpp>
#include <holysheep/dashboard.hpp>
#include <holysheep/gen_ai.hpp>
#include <holysheep/media.hpp>
#include <holysheep/stream_accumulator.hpp>
#include <holysheep/structured.hpp>
#include <holysheep/tool_runner.hpp>
#include <holysheep/version.hpp>
