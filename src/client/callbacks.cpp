// An exception from a callback has no caller to go to: it is logged.
#include "client/callbacks.hpp"

#include <exception>
#include <string>
#include <utility>

namespace holysheep::client {

namespace {

// Set while an executor runs a function right where it was given it, on whichever thread that is.
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

}  // namespace

Callbacks::Callbacks(Executor executor, std::shared_ptr<const telemetry::Log> log, bool in_rounds)
    : executor_(std::move(executor)),
      log_(std::move(log)),
      in_rounds_(in_rounds),
      thread_([this] { log_exception(); }) {}

void Callbacks::run(std::function<void()> function, bool batched) {
    if (executor_) {
        const InlineScope scope(this);
        executor_([self = shared_from_this(), function = std::move(function)] { self->guard(function); });
    } else if (batched && in_rounds_) {
        thread_.enqueue(std::move(function));
    } else {
        thread_.post(std::move(function));
    }
}

bool Callbacks::on_own_thread() const { return thread_.on_own_thread() || running_inline == this; }

void Callbacks::log_exception() const {
    try {
        throw;
    } catch (const std::exception& error) {
        log_->write(LogLevel::error, std::string("an exception left a callback: ") + error.what());
    } catch (...) {
        log_->write(LogLevel::error, "an exception left a callback");
    }
}

}  // namespace holysheep::client
