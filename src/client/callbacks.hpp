// Runs users' callbacks where the options want them, and keeps what they throw from doing harm.
// CallSink → [Callbacks] → callback thread or the user's executor
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "runtime/serial_executor.hpp"
#include "telemetry/log.hpp"

namespace holysheep::client {

/// Shared by whoever still has a callback to run: a user's executor may be late and outlive the client.
class Callbacks : public std::enable_shared_from_this<Callbacks> {
  public:
    using Executor = std::function<void(std::function<void()>)>;
    /// Without an executor, one thread of its own. `in_rounds`: somebody calls `wake` at the end of each round.
    Callbacks(Executor executor, std::shared_ptr<const telemetry::Log> log, bool in_rounds);

    /// From any thread. `batched`, for the I/O thread: a sleeping thread is left asleep until the end of the round.
    /// Where the executor throws instead of taking the function, the own thread runs it.
    void run(std::function<void()> function, bool batched);
    /// Runs a user's function here. False: it threw, which is logged.
    template <class Function>
    bool guard(Function&& function) const {
        try {
            std::forward<Function>(function)();
            return true;
        } catch (...) {
            log_exception("a callback");
            return false;
        }
    }
    /// The same, counted as a callback: from within it no call may block.
    void run_here(const std::function<void()>& function) const;
    void wake() { thread_.wake(); }
    /// Something waits for `wake`.
    bool owes_wakeup() const { return thread_.owes_wakeup(); }
    /// Also while an executor runs a callback inline.
    bool on_own_thread() const;
    bool has_executor() const { return static_cast<bool>(executor_); }
    bool in_rounds() const { return in_rounds_; }
    /// Runs what is queued on the own thread, and ends it.
    void finish() { thread_.finish(); }
    /// Inside a handler: what left which function of the user.
    void log_exception(std::string_view whose) const { telemetry::log_exception(*log_, whose); }
    const std::shared_ptr<const telemetry::Log>& log() const { return log_; }

    /// Results that wait for their callback.
    std::atomic<int> waiting_results{0};

  private:
    const Executor executor_;
    const std::shared_ptr<const telemetry::Log> log_;
    const bool in_rounds_;
    runtime::SerialExecutor thread_;
};

}  // namespace holysheep::client
