// Runs users' callbacks where the options want them, and keeps what they throw from doing harm.
// CallSink → [Callbacks] → callback thread or the user's executor
#pragma once

#include <functional>
#include <memory>
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
    void run(std::function<void()> function, bool batched);
    void wake() { thread_.wake(); }
    /// Runs a user's function here. False: it threw, which is logged.
    template <class Function>
    bool guard(Function&& function) const {
        try {
            std::forward<Function>(function)();
            return true;
        } catch (...) {
            log_exception();
            return false;
        }
    }
    /// Also while an executor runs a callback inline.
    bool on_own_thread() const;
    /// Waits until what is queued on the own thread has run.
    void settle() { thread_.settle(); }
    /// Runs what is queued on the own thread, and ends it.
    void finish() { thread_.finish(); }

  private:
    void log_exception() const;

    const Executor executor_;
    const std::shared_ptr<const telemetry::Log> log_;
    const bool in_rounds_;
    runtime::SerialExecutor thread_;
};

}  // namespace holysheep::client
