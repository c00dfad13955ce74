// Two regions, the nearer of which can be broken in one of twelve ways: what bench_failover calls.
// bench_failover → [FaultyRegions] → GatewaySimulator, NetworkSimulator
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <holysheep/options.hpp>

namespace holysheep::bench {

enum class FaultKind {
    refused,
    reset,                ///< as soon as the connection is accepted
    reset_after_request,  ///< when the request is there
    status_503,
    status_429,
    tls_failure,        ///< the server speaks no TLS
    syn_black_hole,     ///< nobody answers a new connection
    path_black_hole,    ///< every packet vanishes, over an established connection
    frozen,             ///< the kernel acknowledges, the gateway does not answer
    frozen_after_head,  ///< the same from the moment on at which it has sent its head
    frozen_mid_stream,  ///< the same from the moment on at which it has sent the first content of a stream
    /// Every packet vanishes once the head has come. Only what was sent and not acknowledged tells, so the head comes
    /// while a large request is still on its way.
    path_black_hole_after_head
};
std::span<const FaultKind> all_faults();
std::string_view to_string(FaultKind kind);
/// Whether nothing tells of the fault but silence.
bool silent(FaultKind kind);
/// Whether the fault strikes a single call: the path is lost at a moment of its answer.
bool strikes_one(FaultKind kind);

inline constexpr std::string_view kNear = "near", kFar = "far";
inline constexpr std::chrono::milliseconds kRoundTrip{20};  ///< of the silent kinds; the others are on loopback

class FaultyRegions {
  public:
    explicit FaultyRegions(FaultKind kind) : kind_(kind) {}
    virtual ~FaultyRegions() = default;
    FaultKind kind() const { return kind_; }
    virtual ClientOptions options() const = 0;
    /// Between these two the nearer region has the fault.
    virtual void break_it() = 0;
    virtual void mend() = 0;
    /// Whether the nearer region answers before it is broken.
    virtual bool can_be_warmed() const { return true; }

    /// Throws std::runtime_error where namespaces cannot be had, which the silent kinds need.
    static std::unique_ptr<FaultyRegions> make(FaultKind kind);

  private:
    FaultKind kind_;
};

}  // namespace holysheep::bench
