// Runs one call from its submission to its end: owns the driver on the I/O thread and the sink that gets the answer.
// Client → [ActiveCall] → CallDriver
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <holysheep/chat_completion.hpp>
#include <holysheep/result.hpp>
#include <holysheep/stream.hpp>

#include "execution/driver.hpp"
#include "execution/stream_queue.hpp"

namespace holysheep {
inline namespace v0 {
namespace detail {

/// The call that a StreamHandle controls.
struct StreamControl {
    virtual ~StreamControl() = default;
    virtual void cancel() = 0;
    virtual void pause() = 0;
    virtual void resume() = 0;
};

}  // namespace detail
}  // namespace v0

namespace client {

class CallRegistry;

/// Everything the I/O thread needs to begin a call.
struct CallPlan {
    execution::Exchange exchange{};
    call::CallPolicy policy{};
    std::vector<std::size_t> chosen_regions{};  ///< set if the call restricts its regions; it then replaces `regions`
    std::span<const std::size_t> regions{};     ///< the regions of the client
    std::vector<std::size_t> order{};           ///< computed when the call begins
    std::string session{};
    Clock::time_point started{};
};

/// Created on the caller's thread, then used on the I/O thread; `cancel`, `pause`, `resume` and `on_room` on any
/// thread.
class ActiveCall final : public detail::StreamControl, public std::enable_shared_from_this<ActiveCall> {
  public:
    ActiveCall(CallRegistry& registry, CallPlan plan) : registry_(&registry), plan_(std::move(plan)) {}

    /// Hands the call to the I/O thread, once. A borrowed sink must live until its `on_done` has returned.
    void submit(execution::CallSink& borrowed, const std::stop_token& stop);
    void submit(std::shared_ptr<execution::CallSink> owned, const std::stop_token& stop);
    /// The first half of `submit`, for code that runs the function on the I/O loop itself, or passes it to `post`.
    std::function<void()> ready(execution::CallSink& borrowed, const std::stop_token& stop);
    /// The second half of `submit`. If the clock throws, the call ends at once, on this thread.
    void post(std::function<void()> begin);
    void cancel() override;
    void pause() override;
    void resume() override;
    void on_room();

  private:
    friend class CallRegistry;
    struct Cancel {
        ActiveCall* call;
        void operator()() const { call->cancel(); }
    };
    void begin();
    void leave();
    /// Called inside a handler: ends a call that has no driver yet.
    void end_unbegun() noexcept;
    void choose_regions();
    template <class Function>
    void on_io_thread(Function function);
    /// Runs a function of the driver; an exception from it ends the call.
    template <class Function>
    void guard(Function function);

    CallRegistry* registry_;
    CallPlan plan_;
    execution::CallSink* sink_ = nullptr;
    std::shared_ptr<execution::CallSink> owned_sink_{};
    std::shared_ptr<ActiveCall> self_{};  // from submission to the end
    std::optional<execution::CallDriver> driver_{};
    std::optional<std::stop_callback<Cancel>> on_stop_{};
    std::weak_ptr<Clock> clock_{};
    std::size_t index_ = 0;
    std::atomic_flag begun_ = ATOMIC_FLAG_INIT;
    bool cancelled_ = false;
};

/// The calls in flight of one client, on its I/O thread.
class CallRegistry {
  public:
    /// `on_work` is called for every call that begins (1) or ends (-1).
    CallRegistry(execution::CallServices& services, std::shared_ptr<Clock> clock, std::function<void(int)> on_work)
        : services_(services), clock_(std::move(clock)), on_work_(std::move(on_work)) {}
    /// Ends every call; later ones end as soon as they begin.
    void shut_down();
    void on_region_down(std::size_t region);
    void on_region_back(std::size_t region);

  private:
    friend class ActiveCall;
    void notify_all(void (execution::CallDriver::*event)(std::size_t), std::size_t region);
    void add(ActiveCall& call);
    void remove(ActiveCall& call);

    execution::CallServices& services_;
    std::shared_ptr<Clock> clock_;
    std::function<void(int)> on_work_;
    std::vector<ActiveCall*> calls_;
    bool closed_ = false;
};

}  // namespace client
}  // namespace holysheep
