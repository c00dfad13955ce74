// Counts calls, tokens and cost per model.
// Recorder → [ModelTally] → ModelStats
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <holysheep/stats.hpp>
#include <holysheep/usage.hpp>

namespace holysheep::telemetry {

/// Keeps a bounded number of models, because callers choose the names; further ones are counted as "other". Not
/// thread-safe.
class ModelTally {
  public:
    static constexpr std::size_t kMaxModels = 64, kMaxNameLength = 256, kMaxCurrencies = 4;

    void add(std::string_view model, std::optional<ErrorCode> error, const Usage* usage,
             std::span<const AttemptRecord> attempts);
    const std::vector<ModelStats>& all() const { return models_; }

  private:
    ModelStats& find_or_add(std::string_view model);
    std::vector<ModelStats> models_;
};

}  // namespace holysheep::telemetry
