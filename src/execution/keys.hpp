// The keys that requests go out with: those of regions, the client's one or several, or the ones a callback gives.
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

/// Stands for a key in limits and statistics: a hash of it, odd.
std::uint64_t account_of(std::string_view key);
/// For all keys that a callback gives, which are taken for those of one account.
inline constexpr std::uint64_t kFetchedAccount = 2;

/// On the I/O thread. A region with a key of its own, or with its own Authorization header, takes none from here.
class Keys {
  public:
    using time_point = Clock::time_point;
    /// Gets a key from the user's callback on another thread, and hands it to `on_key` here.
    using Fetch = std::function<void()>;

    /// `region_accounts`: a number that stands for the key of each region that has one; 0 where the ring's are used.
    Keys(std::vector<std::string> keys, std::vector<std::uint64_t> region_accounts, Fetch fetch);

    bool from_ring(std::size_t region) const { return region_accounts_[region] == 0 && !texts_.empty(); }
    /// The key for a request there; "" where the region has its own.
    const std::string& text(std::size_t region, std::optional<std::size_t> key) const;
    /// What stands for the account in limits: never the key.
    std::uint64_t account(std::size_t region, std::optional<std::size_t> key) const;

    /// For a request outside of calls: the key that a call would use.
    const std::string& usual(std::size_t region, time_point now) const;

    resilience::KeyRing& ring() { return ring_; }
    const resilience::KeyRing& ring() const { return ring_; }

    // ---- the callback's key ----
    /// Whether a call must wait for the callback; asks it, once for all that wait. `on_ready` is called when it has
    /// answered, with "" or the reason why there is no key.
    bool must_wait(std::function<void(const std::string& problem)> on_ready);
    void on_key(std::string key, const std::string& problem);
    /// The gateway refused the key that this version stood for: the next call asks the callback. False: it has been
    /// replaced already, or there is no callback.
    bool renew(std::uint64_t version);
    std::uint64_t version() const { return version_; }
    /// Whether there is a key to send with.
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
