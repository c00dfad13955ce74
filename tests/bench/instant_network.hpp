// A client without network or threads: posted functions run at once, and every request is answered immediately. The
// remaining time of a call is the library's own work.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <holysheep/clock.hpp>
#include <holysheep/transport.hpp>

#include "runtime/timer_queue.hpp"

namespace holysheep::bench {

/// Real time, but timers never fire. Calls come from one thread; `now` may be called on any thread.
class InstantClock final : public Clock {
  public:
    time_point now() const override { return std::chrono::steady_clock::now(); }
    TimerId call_at(time_point when, std::function<void()> function) override {
        return timers_.add(when, std::move(function));
    }
    void cancel(TimerId timer) override { timers_.cancel(timer); }
    void post(std::function<void()> function) override {
        ready_.push_back(std::move(function));
        if (std::exchange(running_, true)) return;
        while (!ready_.empty()) {
            const auto next = std::move(ready_.front());
            ready_.pop_front();
            next();
        }
        running_ = false;
    }

  private:
    runtime::TimerQueue timers_;
    std::deque<std::function<void()>> ready_;
    bool running_ = false;
};

/// Always answers with the same completion. Transfers cannot be cancelled or paused, because they end when they begin.
class InstantTransport final : public Transport {
  public:
    explicit InstantTransport(Clock& clock) : clock_(clock) {}
    TransferId start(HttpRequest, TransferEvents& events) override {
        const auto id = ++last_;
        clock_.post([this, id, &events] {
            if (!events.may_send(id)) return;
            events.on_head(id, {.status = 200, .headers = {{"content-type", "application/json"}}});
            events.on_body(id, answer_);
            events.on_end(id, {});
        });
        return id;
    }
    void cancel(TransferId) override {}
    void pause(TransferId) override {}
    void resume(TransferId) override {}
    std::optional<PathEvidence> evidence(TransferId) const override { return std::nullopt; }

  private:
    Clock& clock_;
    TransferId last_ = 0;
    const std::string answer_ =
        R"({"id":"c-1","object":"chat.completion","created":1,"model":"a-model","choices":[{"index":0,"message":)"
        R"({"role":"assistant","content":"yes"},"finish_reason":"stop"}],)"
        R"("usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}})";
};

}  // namespace holysheep::bench
