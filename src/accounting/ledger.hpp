// Adds up what attempts used and cost, by model, region, key and label.
// CallDriver → [Ledger] → CostLedger
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <holysheep/cost_ledger.hpp>
#include <holysheep/usage.hpp>

namespace holysheep::accounting {

/// Whose account it is.
struct Account {
    std::string_view model{}, region{}, label{};
    int key = 0;
    std::string_view currency = "USD";

    friend bool operator==(const Account&, const Account&) = default;
};

/// What one attempt adds to it. Without `counted` the two estimates count.
struct Entry {
    const Usage* counted = nullptr;  ///< what the gateway said
    std::int64_t estimated_prompt_tokens = 0, estimated_completion_tokens = 0;
    const Money* cost = nullptr;  ///< null: unknown
    bool cost_is_estimate = false;
};

/// Written on the I/O thread, read from any: a snapshot copies a few lines at a time, so that no writer waits for long.
class Ledger {
  public:
    /// Labels and models come from callers, who may make up a new one for each call: what is beyond goes under "other".
    static constexpr std::size_t kMostNames = 1'000;
    static constexpr std::size_t kMostLines = 20'000;

    void add(const Account& account, const Entry& entry);
    /// A call has ended, and its last attempt was on this account.
    void add_call(const Account& account);
    CostLedger snapshot() const;

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
        std::size_t operator()(const Account& account) const;
    };
    using Names = std::unordered_set<std::string, Hash, std::equal_to<>>;

    CostLine& line(const Account& account);
    static std::string_view bounded(Names& names, std::string_view name);

    mutable std::mutex mutex_;                            // guards everything below
    std::deque<CostLine> lines_;                          // stay where they are
    std::unordered_map<Account, CostLine*, Hash> index_;  // its texts are those of the lines
    Names labels_, models_;
};

}  // namespace holysheep::accounting
