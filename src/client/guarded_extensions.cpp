// Forwards all calls and contains exceptions.
#include "client/guarded_extensions.hpp"

#include <string>
#include <utility>

#include "values/exception_text.hpp"

namespace holysheep::client {

// ---- RetryPolicy ----

RetryVerdict GuardedRetryPolicy::decide(const RetryContext& context) const {
    try {
        return policy_->decide(context);
    } catch (...) {
        telemetry::log_exception(*log_, "retry_policy; the built-in rule is used");
        return {.retry = context.would_retry, .delay = context.delay};
    }
}

// ---- Clock ----

GuardedClock::GuardedClock(std::shared_ptr<Clock> clock, std::shared_ptr<const telemetry::Log> log)
    : clock_(std::move(clock)),
      log_(std::move(log)),
      last_(
          std::make_shared<std::atomic<time_point::rep>>(std::chrono::steady_clock::now().time_since_epoch().count())) {
}

Clock::time_point GuardedClock::now() const {
    try {
        const auto now = clock_->now();
        last_->store(now.time_since_epoch().count(), std::memory_order_relaxed);
        return now;
    } catch (...) {
        telemetry::log_exception(*log_, "the clock's now");
        return time_point(time_point::duration(last_->load(std::memory_order_relaxed)));
    }
}

std::function<void()> GuardedClock::guarded(std::function<void()> function) const {
    return [function = std::move(function), log = log_] {
        try {
            function();
        } catch (...) {
            telemetry::log_exception(*log, "the client's own functions");
        }
    };
}

Clock::TimerId GuardedClock::call_at(time_point when, std::function<void()> function) {
    // When a timer runs, its time has come: record that. Otherwise, with a clock whose `now` always throws, time would
    // never advance, and a timer that finds itself early would rearm itself without end.
    const auto kept = [last = last_, when, function = guarded(std::move(function))] {
        auto known = last->load(std::memory_order_relaxed);
        const auto due = when.time_since_epoch().count();
        while (known < due && !last->compare_exchange_weak(known, due, std::memory_order_relaxed)) {
        }
        function();
    };
    try {
        return clock_->call_at(when, kept);
    } catch (...) {
        telemetry::log_exception(*log_, "the clock's call_at");
    }
    return clock_->call_at(when, kept);
}

void GuardedClock::cancel(TimerId timer) {
    try {
        clock_->cancel(timer);
    } catch (...) {
        telemetry::log_exception(*log_, "the clock's cancel");
    }
}

void GuardedClock::post(std::function<void()> function) {
    // A clock may throw after it has stored a function.
    const auto taken = std::make_shared<std::atomic_flag>();
    const auto once = [taken, kept = guarded(std::move(function))] {
        if (!taken->test_and_set()) kept();
    };
    try {
        clock_->post(once);
        return;
    } catch (...) {
        telemetry::log_exception(*log_, "the clock's post");
    }
    clock_->post(once);
}

// ---- Transport ----

template <class Function>
void GuardedTransport::guard(Function function) const {
    try {
        function();
    } catch (...) {
        telemetry::log_exception(*log_, "the transport");
    }
}

TransferId GuardedTransport::start(HttpRequest request, TransferEvents& events) {
    std::string why;
    try {
        return transport_->start(std::move(request), events);
    } catch (...) {
        why = values::described_exception("the transport threw");
    }
    const auto id = ++last_failed_;
    failed_->insert(id);
    clock_->post([failed = failed_, id, why = std::move(why), &events] {
        if (failed->erase(id) == 0) return;  // cancelled meanwhile
        events.on_end(id, {.error = ErrorCode::transport_failed, .detail = why});
    });
    return id;
}

void GuardedTransport::cancel(TransferId id) {
    if (failed_->erase(id) != 0) return;
    guard([&] { transport_->cancel(id); });
}

void GuardedTransport::pause(TransferId id) {
    guard([&] { transport_->pause(id); });
}

void GuardedTransport::resume(TransferId id) {
    guard([&] { transport_->resume(id); });
}

std::optional<PathEvidence> GuardedTransport::evidence(TransferId id) const {
    std::optional<PathEvidence> evidence;
    guard([&] { evidence = transport_->evidence(id); });
    return evidence;
}

}  // namespace holysheep::client
