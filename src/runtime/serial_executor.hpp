// Runs functions one after another on a thread of its own: callbacks, a listener, the key source. Slow functions do not
// delay the I/O thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

namespace holysheep::runtime {

/// The thread starts with the first function.
class SerialExecutor {
  public:
    /// `on_exception` is called inside a catch block for an exception from a function. It may outlive this object.
    explicit SerialExecutor(std::function<void()> on_exception = [] {});
    ~SerialExecutor() { finish(); }
    SerialExecutor(const SerialExecutor&) = delete;
    SerialExecutor& operator=(const SerialExecutor&) = delete;

    void post(std::function<void()> function);
    /// The same, but does not wake a sleeping thread before `wake`; for posting several functions in a row.
    void enqueue(std::function<void()> function);
    void wake();
    /// Whether the thread sleeps although `enqueue` has given it work.
    bool owes_wakeup() const;
    bool on_own_thread() const;
    /// Runs queued functions, then ends the thread and waits for it. Must not be called from one of its own functions.
    void finish();
    /// The same for functions that use nothing that is about to be destroyed: waits as long as each ends within `each`,
    /// and for at most `all`. Then abandons the thread to the blocked function, drops the queue, and returns false.
    bool finish_or_leave(std::chrono::milliseconds each, std::chrono::milliseconds all);

  private:
    struct State;
    static void run(State& state);
    void start();

    std::shared_ptr<State> state_;  // shared with the thread, which may be abandoned
};

}  // namespace holysheep::runtime
