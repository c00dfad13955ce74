// A plain SDK around a way to pick a region: two retries with exponential back-off, a timeout of 10 s for the first
// content, and Retry-After is obeyed. After a failure it picks again.
// Simulation → [ReferenceClient] → RegionPicker, SimTransport
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include <holysheep/transport.hpp>

#include "caller.hpp"

namespace holysheep::sim {

/// An attempt's result, as the retry loop reports it to the picker.
struct AttemptOutcome {
    std::size_t region = 0;
    bool succeeded = false;
    Time latency{};  ///< time to the first content, or to the failure
};

/// Chooses a region for one attempt. `on_picked` may run at once or later.
class RegionPicker {
  public:
    virtual ~RegionPicker();
    virtual void pick(CallNumber call, std::function<void(std::size_t)> on_picked) = 0;
    virtual void dispatched(std::size_t) {}
    /// Called at the first content, or at the failure.
    virtual void on_outcome(const AttemptOutcome&) {}
    /// Called when the attempt is over, after its last byte.
    virtual void ended(std::size_t) {}
    virtual void call_over(CallNumber) {}
};

/// The answer to a free request to a region: how long it took and its headers, or nothing after the timeout or a
/// failure.
struct ProbeAnswer {
    Time took{};
    HttpHead head{};
};
using OnProbe = std::function<void(std::optional<ProbeAnswer>)>;

/// Sends the probes of one process. It lives as long as its process.
class Prober final : public TransferEvents {
  public:
    explicit Prober(const Process& process);
    ~Prober() override;
    void send(std::size_t region, std::string_view path, Time timeout, OnProbe on_answer);

    bool may_send(TransferId id) override;
    void on_head(TransferId id, HttpHead head) override;
    void on_body(TransferId id, std::string_view bytes) override;
    void on_end(TransferId id, TransferEnd end) override;

  private:
    struct Open {
        Time began{};
        EventQueue::EventId timer = 0;
        OnProbe on_answer;
        HttpHead head{};
    };
    Process process_;
    std::unordered_map<TransferId, Open> open_;
};

std::unique_ptr<Caller> make_reference(const Process& process, std::unique_ptr<RegionPicker> picker);

}  // namespace holysheep::sim
