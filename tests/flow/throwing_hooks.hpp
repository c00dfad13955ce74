// Hooks that throw at a chosen moment and otherwise behave as usual.
// test → [Fuse] → hook → client
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
enum class Moment { first, second, third, always };
inline constexpr const char* kMomentNames[] = {"first", "second", "third", "always"};

/// Throws when its hook is used at the chosen moment.
class Fuse {
  public:
    Fuse(Hook hook, Moment moment) : hook_(hook), moment_(moment) {}
    void burn(Hook hook) {
        if (hook != hook_ || !armed_) return;
        const int use = uses_++;
        if (moment_ != Moment::always && use != static_cast<int>(moment_)) return;
        if (use % 2 == 0) throw std::runtime_error("a hook of the program");
        throw 42;
    }
    void arm() { armed_ = true; }
    void disarm() { armed_ = false; }

  private:
    const Hook hook_;
    const Moment moment_;
    std::atomic<int> uses_{0};
    std::atomic<bool> armed_{true};
};

struct FaultyRetryPolicy final : RetryPolicy {
    explicit FaultyRetryPolicy(Fuse& f) : fuse(f) {}
    RetryVerdict decide(const RetryContext& context) const override {
        fuse.burn(Hook::retry_policy);
        return {.retry = context.would_retry, .delay = context.delay};
    }
    Fuse& fuse;
};

struct FaultySelector final : RegionSelector {
    explicit FaultySelector(Fuse& f) : fuse(f) {}
    std::vector<std::size_t> rank(const SelectionContext&) const override {
        fuse.burn(Hook::selector);
        return {0, 1};
    }
    Fuse& fuse;
};

struct FaultyListener final : EventListener {
    explicit FaultyListener(Fuse& f) : fuse(f) {}
    void on_attempt(const AttemptRecord&) override { fuse.burn(Hook::listener_attempt); }
    void on_call(const CallRecord&) override { fuse.burn(Hook::listener_call); }
    void on_region(const RegionHealth&) override { fuse.burn(Hook::listener_region); }
    Fuse& fuse;
};

/// Sets all hooks that a client on any transport can have, except the selector and the key source. Callbacks run
/// inline: on an automatic clock, a key fetched by another thread would come after the deadline.
inline void set_faulty_hooks(ClientOptions& options, Fuse& fuse) {
    options.log = {.level = LogLevel::debug,
                   .sink = [&fuse](LogLevel, std::string_view) { fuse.burn(Hook::log_sink); }};
    options.model_rules = {{.when =
                                [&fuse](const ChatRequest&) {
                                    fuse.burn(Hook::model_rule);
                                    return false;
                                },
                            .model = "other"}};
    options.listeners = {std::make_shared<FaultyListener>(fuse)};
    options.retry_policy = std::make_shared<FaultyRetryPolicy>(fuse);
    options.callback_executor = [&fuse](const std::function<void()>& function) {
        fuse.burn(Hook::executor);
        function();
    };
}

}  // namespace holysheep::flow
