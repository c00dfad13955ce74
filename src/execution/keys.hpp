// Holds the keys for requests: those of regions, one or several of the client, or those that a callback provides.
// ClientOptions → [Keys] → Admission, request_builder
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/clock.hpp>

#include "resilience/key_ring.hpp"

namespace holysheep::execution {

/// Identifies a key in limits and statistics: a hash of it, always odd.
std::uint64_t account_of(std::string_view key);
/// Identifies all keys that a callback provides; they are assumed to belong to one account.
inline constexpr std::uint64_t kFetchedAccount = 2;

/// Used on the I/O thread. A region with its own key or Authorization header does not use these keys.
class Keys {
  public:
    using time_point = Clock::time_point;
    /// Gets a key from the user's callback on another thread and passes it to `on_key` on this one.
    using Fetch = std::function<void()>;

    /// `region_accounts`: the account number of each region that has its own key; 0 for regions that use the ring.
    Keys(std::vector<std::string> keys, std::vector<std::uint64_t> region_accounts, Fetch fetch);

    bool from_ring(std::size_t region) const { return region_accounts_[region] == 0 && !texts_.empty(); }
    /// The key for a request to this region; "" if the region has its own.
    const std::string& text(std::size_t region, std::optional<std::size_t> key) const;
    /// The number that identifies the account in limits; never the key itself.
    std::uint64_t account(std::size_t region, std::optional<std::size_t> key) const;

    /// The key for a request outside of calls: the same that a call would use.
    const std::string& usual(std::size_t region, time_point now) const;

    resilience::KeyRing& ring() { return ring_; }
    const resilience::KeyRing& ring() const { return ring_; }

    // ---- the key of the callback ----
    /// Whether a call must wait for the callback; calls it once for all that wait. `on_ready` is called when it has
    /// answered, with "" or the reason why there is no key.
    bool must_wait(std::function<void(const std::string& problem)> on_ready);
    void on_key(std::string key, const std::string& problem);
    /// The gateway refused the key of this version: the next call asks the callback again. Returns false if the key has
    /// already been replaced, or there is no callback.
    bool renew(std::uint64_t version);
    std::uint64_t version() const { return version_; }
    /// Whether a key is available.
    bool known() const { return known_; }
    bool renewable() const { return static_cast<bool>(fetch_); }

  private:
    std::vector<std::string> texts_;
    std::vector<std::uint64_t> accounts_, region_accounts_;
    resilience::KeyRing ring_;
    Fetch fetch_;
    std::vector<std::function<void(const std::string&)>> waiting_;
    std::uint64_t version_ = 0;
    bool known_ = true, asking_ = false;
};

}  // namespace holysheep::execution
