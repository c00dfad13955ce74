// Runs the user's callbacks on the configured executor, and contains their exceptions.
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

/// Shared by all pending callbacks, because a user's executor may run them after the client is destroyed.
class Callbacks : public std::enable_shared_from_this<Callbacks> {
  public:
    using Executor = std::function<void(std::function<void()>)>;
    /// Without an executor, uses one thread of its own. `in_rounds`: `wake` is called at the end of each round.
    Callbacks(Executor executor, std::shared_ptr<const telemetry::Log> log, bool in_rounds);

    /// Thread-safe. `batched`, for the I/O thread: wakes a sleeping thread only at the end of the round. If the
    /// executor throws, the callback thread runs the function.
    void run(std::function<void()> function, bool batched);
    /// Runs a function of the user here. Returns false if it threw, which is logged.
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
    /// The same, marked as a callback: blocking calls are refused within it.
    void run_here(const std::function<void()>& function) const;
    void wake() { thread_.wake(); }
    /// Whether a sleeping thread waits for `wake`.
    bool owes_wakeup() const { return thread_.owes_wakeup(); }
    /// True also while an executor runs a callback inline.
    bool on_own_thread() const;
    bool has_executor() const { return static_cast<bool>(executor_); }
    bool in_rounds() const { return in_rounds_; }
    /// Runs the queued functions on the callback thread, and ends that thread.
    void finish() { thread_.finish(); }
    /// Inside a catch block: logs the exception and the function of the user.
    void log_exception(std::string_view source) const { telemetry::log_exception(*log_, source); }
    const std::shared_ptr<const telemetry::Log>& log() const { return log_; }

    /// number of results that wait for their callback
    std::atomic<int> waiting_results{0};

  private:
    const Executor executor_;
    const std::shared_ptr<const telemetry::Log> log_;
    const bool in_rounds_;
    runtime::SerialExecutor thread_;
};

}  // namespace holysheep::client
