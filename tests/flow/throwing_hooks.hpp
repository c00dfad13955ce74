// Hooks that throw on a chosen occasion and otherwise behave as usual.
// test → [ExceptionInjector] → hook → client
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <holysheep/holysheep.hpp>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace holysheep::flow {

enum class Hook {
    retry_policy,
    selector,
    listener_attempt,
    listener_call,
    listener_region,
    log_sink,
    key_source,
    executor,
    model_rule,
    transport_start,
    transport_cancel,
    transport_pause,
    transport_resume,
    transport_evidence,
    clock_now,
    clock_call_at,
    clock_cancel,
    clock_post
};

inline constexpr const char* kHookNames[] = {
    "retry_policy",     "selector",        "listener_attempt", "listener_call",      "listener_region",
    "log_sink",         "key_source",      "executor",         "model_rule",         "transport_start",
    "transport_cancel", "transport_pause", "transport_resume", "transport_evidence", "clock_now",
    "clock_call_at",    "clock_cancel",    "clock_post"};

/// At which use of a hook it throws.
enum class Occurrence { first, second, third, always };
inline constexpr const char* kOccurrenceNames[] = {"first", "second", "third", "always"};

/// Throws at the chosen use of its hook.
class ExceptionInjector {
  public:
    ExceptionInjector(Hook hook, Occurrence occurrence) : hook_(hook), occurrence_(occurrence) {}
    void maybe_throw(Hook hook) {
        if (hook != hook_ || !armed_) return;
        const int use = uses_++;
        if (occurrence_ != Occurrence::always && use != static_cast<int>(occurrence_)) return;
        if (use % 2 == 0) throw std::runtime_error("a hook of the program");
        throw 42;
    }
    void arm() { armed_ = true; }
    void disarm() { armed_ = false; }

  private:
    const Hook hook_;
    const Occurrence occurrence_;
    std::atomic<int> uses_{0};
    std::atomic<bool> armed_{true};
};

struct FaultyRetryPolicy final : RetryPolicy {
    explicit FaultyRetryPolicy(ExceptionInjector& f) : injector(f) {}
    RetryVerdict decide(const RetryContext& context) const override {
        injector.maybe_throw(Hook::retry_policy);
        return {.retry = context.would_retry, .delay = context.delay};
    }
    ExceptionInjector& injector;
};

struct FaultySelector final : RegionSelector {
    explicit FaultySelector(ExceptionInjector& f) : injector(f) {}
    std::vector<std::size_t> rank(const SelectionContext&) const override {
        injector.maybe_throw(Hook::selector);
        return {0, 1};
    }
    ExceptionInjector& injector;
};

struct FaultyListener final : EventListener {
    explicit FaultyListener(ExceptionInjector& f) : injector(f) {}
    void on_attempt(const AttemptRecord&) override { injector.maybe_throw(Hook::listener_attempt); }
    void on_call(const CallRecord&) override { injector.maybe_throw(Hook::listener_call); }
    void on_region(const RegionHealth&) override { injector.maybe_throw(Hook::listener_region); }
    ExceptionInjector& injector;
};

/// Sets all hooks that a client on any transport can have, except the selector and the key source. Callbacks run
/// inline: on an automatic clock, a key fetched by another thread would come after the deadline.
inline void set_faulty_hooks(ClientOptions& options, ExceptionInjector& injector) {
    options.log = {.level = LogLevel::debug,
                   .sink = [&injector](LogLevel, std::string_view) { injector.maybe_throw(Hook::log_sink); }};
    options.model_rules = {{.when =
                                [&injector](const ChatRequest&) {
                                    injector.maybe_throw(Hook::model_rule);
                                    return false;
                                },
                            .model = "other"}};
    options.listeners = {std::make_shared<FaultyListener>(injector)};
    options.retry_policy = std::make_shared<FaultyRetryPolicy>(injector);
    options.callback_executor = [&injector](const std::function<void()>& function) {
        injector.maybe_throw(Hook::executor);
        function();
    };
}

}  // namespace holysheep::flow
