// Wraps the user's extension points and contains their exceptions; if there is a built-in rule, it is used instead.
// ClientOptions → [Guarded…] → CallServices, Prober
#pragma once

#include <atomic>
#include <memory>
#include <unordered_set>

#include <holysheep/clock.hpp>
#include <holysheep/retry_policy.hpp>
#include <holysheep/transport.hpp>

#include "telemetry/log.hpp"

namespace holysheep::client {

/// Uses the built-in decision if the user's policy throws.
class GuardedRetryPolicy final : public RetryPolicy {
  public:
    GuardedRetryPolicy(std::shared_ptr<const RetryPolicy> policy, std::shared_ptr<const telemetry::Log> log)
        : policy_(std::move(policy)), log_(std::move(log)) {}
    RetryVerdict decide(const RetryContext& context) const override;

  private:
    std::shared_ptr<const RetryPolicy> policy_;
    std::shared_ptr<const telemetry::Log> log_;
};

/// Posted functions and timers never throw into the user's clock. `post` and `call_at` are tried twice; the second
/// exception goes to the call that needs them.
class GuardedClock final : public Clock {
  public:
    GuardedClock(std::shared_ptr<Clock> clock, std::shared_ptr<const telemetry::Log> log);
    time_point now() const override;
    TimerId call_at(time_point when, std::function<void()> function) override;
    void cancel(TimerId timer) override;
    void post(std::function<void()> function) override;

  private:
    std::function<void()> guarded(std::function<void()> function) const;

    std::shared_ptr<Clock> clock_;
    std::shared_ptr<const telemetry::Log> log_;
    const std::shared_ptr<std::atomic<time_point::rep>> last_;  // the fallback value of `now`
};

/// A transfer that cannot be started ends with `transport_failed`, like other failures of an attempt.
class GuardedTransport final : public Transport {
  public:
    GuardedTransport(std::shared_ptr<Transport> transport, std::shared_ptr<Clock> clock,
                     std::shared_ptr<const telemetry::Log> log)
        : transport_(std::move(transport)), clock_(std::move(clock)), log_(std::move(log)) {}
    TransferId start(HttpRequest request, TransferEvents& events) override;
    void cancel(TransferId id) override;
    void pause(TransferId id) override;
    void resume(TransferId id) override;
    std::optional<PathEvidence> evidence(TransferId id) const override;

  private:
    template <class Function>
    void guard(Function function) const;

    std::shared_ptr<Transport> transport_;
    std::shared_ptr<Clock> clock_;
    std::shared_ptr<const telemetry::Log> log_;
    /// Transfers that could not be started and whose end is not reported yet; shared with the posted reports.
    std::shared_ptr<std::unordered_set<TransferId>> failed_ = std::make_shared<std::unordered_set<TransferId>>();
    TransferId last_failed_ = TransferId{1} << 63U;  // counts down from a value that no transport reaches
};

}  // namespace holysheep::client
