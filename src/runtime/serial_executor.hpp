// Runs functions one after another on a thread of its own: callbacks, a listener, the source of keys. A slow one never
// holds up the I/O thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

namespace holysheep::runtime {

/// The thread starts with the first function.
class SerialExecutor {
  public:
    /// `on_exception` is called, inside a handler, with what a function let out. It may outlive this object.
    explicit SerialExecutor(std::function<void()> on_exception = [] {});
    ~SerialExecutor() { finish(); }
    SerialExecutor(const SerialExecutor&) = delete;
    SerialExecutor& operator=(const SerialExecutor&) = delete;

    void post(std::function<void()> function);
    /// The same, but leaves a sleeping thread asleep until `wake`: for whoever posts several things in a row.
    void enqueue(std::function<void()> function);
    void wake();
    /// Whether the thread sleeps although `enqueue` has given it work.
    bool owes_wakeup() const;
    bool on_own_thread() const;
    /// Runs what is queued, then ends the thread and waits for it. Never from one of its own functions.
    void finish();
    /// The same for functions that need nothing of what is about to be destroyed: as long as one of them ends within
    /// `each`, and for `all` at most. Then the thread is left to the function that hangs, and what is queued behind it
    /// is dropped. False: that happened.
    bool finish_or_leave(std::chrono::milliseconds each, std::chrono::milliseconds all);

  private:
    struct State;
    static void run(State& state);
    void start();

    std::shared_ptr<State> state_;  // shared with the thread, which may be left behind
};

}  // namespace holysheep::runtime
