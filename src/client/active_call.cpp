// Hands a call over between threads. A call keeps itself alive from submission until nothing more can happen to it.
#include "client/active_call.hpp"

#include <utility>

#include "values/exception_text.hpp"
#include "values/release_memory.hpp"

namespace holysheep::client {

void ActiveCall::submit(execution::CallSink& borrowed, const std::stop_token& stop) { post(ready(borrowed, stop)); }

std::function<void()> ActiveCall::ready(execution::CallSink& borrowed, const std::stop_token& stop) {
    sink_ = &borrowed;
    clock_ = registry_->clock_;
    self_ = shared_from_this();
    // Registered before the call begins, so that no stop request in between is missed; a cancel that arrives before the
    // call begins is remembered.
    if (stop.stop_possible()) on_stop_.emplace(stop, Cancel{this});
    return [call = self_] { call->begin(); };
}

void ActiveCall::post(std::function<void()> begin) {
    const auto kept = shared_from_this();
    try {
        registry_->clock_->post(std::move(begin));
    } catch (...) {
        if (!begun_.test_and_set()) end_unbegun();
    }
}

void ActiveCall::end_unbegun() noexcept {
    try {
        sink_->on_done(Error{.code = ErrorCode::internal_error,
                             .message = values::described_exception("the call could not begin: an exception")});
    } catch (...) {
    }
    on_stop_.reset();
    self_.reset();  // a caller of this function holds another reference
}

void ActiveCall::submit(std::shared_ptr<execution::CallSink> owned, const std::stop_token& stop) {
    owned_sink_ = std::move(owned);
    submit(*owned_sink_, stop);
}

void ActiveCall::begin() {
    if (begun_.test_and_set()) return;
    const auto kept = shared_from_this();
    registry_->add(*this);
    try {
        choose_regions();
        driver_.emplace(registry_->services_, plan_.exchange, plan_.policy, plan_.order, plan_.started, *sink_,
                        [this] { leave(); });
    } catch (...) {
        registry_->remove(*this);
        end_unbegun();
        return;
    }
    guard([this] {
        if (cancelled_ || registry_->closed_) {
            driver_->cancel();
        } else {
            driver_->start();
        }
    });
}

void ActiveCall::leave() {
    driver_.reset();
    release_memory(plan_);  // frees memory early: code that still holds the call does not need the plan
    registry_->remove(*this);
    on_stop_.reset();
    const auto last = std::move(self_);
}

template <class Function>
void ActiveCall::guard(Function function) {
    try {
        function();
    } catch (...) {
        if (driver_) driver_->abort();
    }
}

void ActiveCall::choose_regions() {
    auto& services = registry_->services_;
    const auto now = services.clock.now();
    const auto awaited = execution::awaited_by(plan_.exchange.kind);
    if (services.regions.refresh(now) && services.on_refreshed) services.on_refreshed();
    const auto allowed =
        plan_.chosen_regions.empty() ? plan_.regions : std::span<const std::size_t>(plan_.chosen_regions);
    services.router.plan({.allowed = allowed,
                          .model = plan_.policy.model,
                          .session = plan_.session,
                          .awaited = awaited,
                          .random = plan_.policy.seed},
                         now, plan_.order);
    for (auto& fallback : plan_.policy.fallbacks) fallback.id = services.regions.model_id(fallback.name);
    call::adapt_policy(plan_.policy, services.regions, services.regions.model_id(plan_.policy.model), awaited);
}

template <class Function>
void ActiveCall::on_io_thread(Function function) {
    // After the end of the client there is no clock and nothing left to control.
    if (const auto clock = clock_.lock()) {
        try {
            clock->post([call = shared_from_this(), function] { call->guard([&] { function(*call); }); });
        } catch (...) {  // the clock threw; its call continues without it
        }
    }
}

void ActiveCall::cancel() {
    on_io_thread([](ActiveCall& call) {
        call.cancelled_ = true;
        if (call.driver_) call.driver_->cancel();
    });
}

void ActiveCall::pause() {
    on_io_thread([](ActiveCall& call) {
        if (call.driver_) call.driver_->pause();
    });
}

void ActiveCall::resume() {
    on_io_thread([](ActiveCall& call) {
        if (call.driver_) call.driver_->resume();
    });
}

void ActiveCall::on_room() {
    on_io_thread([](ActiveCall& call) {
        if (call.driver_) call.driver_->on_room();
    });
}

void CallRegistry::add(ActiveCall& call) {
    call.index_ = calls_.size();
    calls_.push_back(&call);
    on_work_(1);
}

void CallRegistry::remove(ActiveCall& call) {
    calls_[call.index_] = calls_.back();
    calls_[call.index_]->index_ = call.index_;
    calls_.pop_back();
    on_work_(-1);
}

void CallRegistry::on_region_down(std::size_t region) { notify_all(&execution::CallDriver::on_region_down, region); }
void CallRegistry::on_region_back(std::size_t region) { notify_all(&execution::CallDriver::on_region_back, region); }

void CallRegistry::notify_all(void (execution::CallDriver::*event)(std::size_t), std::size_t region) {
    // Notifying a call may end it, which removes it from the list.
    std::vector<std::shared_ptr<ActiveCall>> calls;
    calls.reserve(calls_.size());
    for (auto* call : calls_) calls.push_back(call->shared_from_this());
    for (const auto& call : calls) {
        call->guard([&] {
            if (call->driver_) ((*call->driver_).*event)(region);
        });
    }
}

void CallRegistry::shut_down() {
    closed_ = true;
    // Each one leaves the list as it ends.
    while (!calls_.empty()) {
        const auto call = calls_.back()->shared_from_this();
        call->guard([&] { call->driver_->shut_down(); });
    }
}

}  // namespace holysheep::client
