// Runs callbacks. An exception from a callback has no caller to catch it, so it is logged.
#include "client/callbacks.hpp"

#include <utility>

namespace holysheep::client {

namespace {

// Set while an executor runs a function inline, on any thread.
thread_local const Callbacks* running_inline = nullptr;

class InlineScope {
  public:
    explicit InlineScope(const Callbacks* callbacks) : outer_(std::exchange(running_inline, callbacks)) {}
    ~InlineScope() { running_inline = outer_; }
    InlineScope(const InlineScope&) = delete;
    InlineScope& operator=(const InlineScope&) = delete;

  private:
    const Callbacks* outer_;
};

/// A function that runs only once, although it is queued on two executors.
struct Once {
    std::function<void()> function;
    std::atomic_flag taken = ATOMIC_FLAG_INIT;
};

}  // namespace

Callbacks::Callbacks(Executor executor, std::shared_ptr<const telemetry::Log> log, bool in_rounds)
    : executor_(std::move(executor)),
      log_(std::move(log)),
      in_rounds_(in_rounds),
      thread_([kept = log_] { telemetry::log_exception(*kept, "a callback"); }) {}

void Callbacks::run(std::function<void()> function, bool batched) {
    if (executor_) {
        const auto once = std::make_shared<Once>();
        once->function = std::move(function);
        const auto run_once = [self = shared_from_this(), once] {
            if (once->taken.test_and_set()) return;
            self->guard(once->function);
            once->function = nullptr;
        };
        try {
            const InlineScope scope(this);
            executor_(run_once);
        } catch (...) {
            log_exception("callback_executor");
            thread_.post(run_once);
        }
    } else if (batched && in_rounds_) {
        thread_.enqueue(std::move(function));
    } else {
        thread_.post(std::move(function));
    }
}

void Callbacks::run_here(const std::function<void()>& function) const {
    const InlineScope scope(this);
    guard(function);
}

bool Callbacks::on_own_thread() const { return thread_.on_own_thread() || running_inline == this; }

}  // namespace holysheep::client
