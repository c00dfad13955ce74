// Provides two regions for bench_failover; the nearer one can be broken in one of twelve ways.
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
    reset_after_request,  ///< when the request has arrived
    status_503,
    status_429,
    tls_failure,        ///< the server speaks no TLS
    syn_black_hole,     ///< a new connection gets no answer
    path_black_hole,    ///< every packet on an established connection is lost
    frozen,             ///< the kernel acknowledges, the gateway does not answer
    frozen_after_head,  ///< the same, after the gateway has sent its head
    frozen_mid_stream,  ///< the same, after the gateway has sent the first content of a stream
    /// Every packet is lost after the head. Only unacknowledged bytes reveal this, so the head arrives while a large
    /// request is still being sent.
    path_black_hole_after_head
};
std::span<const FaultKind> all_faults();
std::string_view to_string(FaultKind kind);
/// Whether silence is the only symptom of the fault.
bool silent(FaultKind kind);
/// Whether the fault hits a single call: the path is lost during its answer.
bool hits_single_call(FaultKind kind);

inline constexpr std::string_view kNear = "near", kFar = "far";
inline constexpr std::chrono::milliseconds kRoundTrip{20};  ///< for the silent kinds; the others run on loopback

class FaultyRegions {
  public:
    explicit FaultyRegions(FaultKind kind) : kind_(kind) {}
    virtual ~FaultyRegions() = default;
    FaultKind kind() const { return kind_; }
    virtual ClientOptions options() const = 0;
    /// The nearer region has the fault from this call until `recover`.
    virtual void inject_fault() = 0;
    virtual void recover() = 0;
    /// Whether the nearer region answers before the fault.
    virtual bool answers_before_fault() const { return true; }

    /// Throws std::runtime_error if network namespaces, which the silent kinds need, are not available.
    static std::unique_ptr<FaultyRegions> make(FaultKind kind);

  private:
    FaultKind kind_;
};

}  // namespace holysheep::bench
