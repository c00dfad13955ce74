// An exception from a callback has no caller to go to: it is logged.
#include "client/callbacks.hpp"

#include <exception>
#include <string>
#include <utility>

namespace holysheep::client {

Callbacks::Callbacks(Executor executor, std::shared_ptr<const telemetry::Log> log, bool in_rounds)
    : executor_(std::move(executor)),
      log_(std::move(log)),
      in_rounds_(in_rounds),
      thread_([this] { log_exception(); }) {}

void Callbacks::run(std::function<void()> function, bool batched) {
    if (executor_) {
        executor_([self = shared_from_this(), function = std::move(function)] {
            try {
                function();
            } catch (...) {
                self->log_exception();
            }
        });
    } else if (batched && in_rounds_) {
        thread_.enqueue(std::move(function));
    } else {
        thread_.post(std::move(function));
    }
}

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
