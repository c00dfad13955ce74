// Sums the usage and cost of attempts by model, region, key and label.
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

/// The key of a line.
struct Account {
    std::string_view model{}, region{}, label{};
    int key = 0;
    std::string_view currency = "USD";

    friend bool operator==(const Account&, const Account&) = default;
};

/// The values that one attempt adds. Without `counted`, the estimates apply.
struct Entry {
    const Usage* counted = nullptr;  ///< reported usage
    std::int64_t estimated_prompt_tokens = 0, estimated_completion_tokens = 0;
    const Money* cost = nullptr;  ///< null: unknown
    bool cost_is_estimate = false;
};

/// Written on the I/O thread, read on any thread. A snapshot copies a few lines at a time, so the writer never waits
/// long.
class Ledger {
  public:
    /// Callers may use any number of labels and models; beyond a limit they count as "other".
    static constexpr std::size_t kMaxNames = 1'000;
    static constexpr std::size_t kMaxLines = 20'000;

    void add(const Account& account, const Entry& entry);
    /// A call ended; its last attempt belongs to this line.
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
    std::deque<CostLine> lines_;                          // a deque keeps their addresses
    std::unordered_map<Account, CostLine*, Hash> index_;  // its keys refer to texts of the lines
    Names labels_, models_;
};

}  // namespace holysheep::accounting
