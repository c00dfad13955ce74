// The loop over epoll and an eventfd (Linux), or over poll and a pipe elsewhere.
#include "runtime/io_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

#include "runtime/brief_lock.hpp"

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#else
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <unordered_map>
#endif

namespace holysheep::runtime {

namespace {

int timeout_until(std::optional<Clock::time_point> when, Clock::time_point now) {
    if (!when) return -1;
    if (*when <= now) return 0;
    // Rounded up: waking a moment too early would spin until the timer is due.
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*when - now).count();
    return static_cast<int>(std::min<std::int64_t>(wait, INT_MAX));
}

}  // namespace

#ifdef __linux__

class IoLoop::Poller {
  public:
    Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (epoll_ < 0 || wakeup_ < 0) {
            const int error = errno;
            if (epoll_ >= 0) ::close(epoll_);
            if (wakeup_ >= 0) ::close(wakeup_);
            throw std::system_error(error, std::generic_category(), "cannot create the I/O thread's epoll set");
        }
        // Edge-triggered: each write wakes once, and nothing has to be read.
        control(EPOLL_CTL_ADD, wakeup_, EPOLLIN | EPOLLET);
    }
    ~Poller() {
        ::close(wakeup_);
        ::close(epoll_);
    }
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    void wake() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wakeup_, &one, sizeof one);
    }

    void watch(int fd, Readiness interest) {
        const auto index = static_cast<std::size_t>(fd);
        if (index >= watched_.size()) watched_.resize(index + 64);
        auto& entry = watched_[index];
        if (entry.known && entry.interest == interest) return;
        const std::uint32_t events = (interest.readable ? EPOLLIN : 0U) | (interest.writable ? EPOLLOUT : 0U);
        const bool was_known = entry.known;
        entry = {true, interest};
        control(was_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, events);
    }

    void unwatch(int fd) {
        const auto index = static_cast<std::size_t>(fd);
        if (index >= watched_.size() || !watched_[index].known) return;
        watched_[index] = {};
        control(EPOLL_CTL_DEL, fd, 0);
    }

    template <class OnSocket>
    void wait(int timeout, OnSocket on_socket) {
        const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout);
        for (int i = 0; i < count; ++i) {
            const auto& event = events_[static_cast<std::size_t>(i)];
            const int fd = event.data.fd;
            if (fd == wakeup_) continue;
            // A handler of this round may have closed the socket: its event is stale then.
            if (!watched_[static_cast<std::size_t>(fd)].known) continue;
            const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
            on_socket(fd, Readiness{broken || (event.events & EPOLLIN) != 0, broken || (event.events & EPOLLOUT) != 0});
        }
    }

  private:
    struct Watched {
        bool known = false;
        Readiness interest{};
    };
    void control(int operation, int fd, std::uint32_t events) {
        epoll_event event{};
        event.events = events;
        event.data.fd = fd;
        ::epoll_ctl(epoll_, operation, fd, &event);
    }

    int epoll_;
    int wakeup_;
    std::vector<Watched> watched_;
    std::array<epoll_event, 256> events_{};
};

#else

class IoLoop::Poller {
  public:
    Poller() {
        if (::pipe(pipe_.data()) != 0) {
            throw std::system_error(errno, std::generic_category(), "cannot create the I/O thread's wakeup pipe");
        }
        for (const int fd : pipe_) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    ~Poller() {
        for (const int fd : pipe_) ::close(fd);
    }
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    void wake() {
        const char one = 1;
        [[maybe_unused]] const auto written = ::write(pipe_[1], &one, 1);
    }
    void watch(int fd, Readiness interest) { watched_[fd] = interest; }
    void unwatch(int fd) { watched_.erase(fd); }

    template <class OnSocket>
    void wait(int timeout, OnSocket on_socket) {
        std::vector<pollfd> fds{{pipe_[0], POLLIN, 0}};
        for (const auto& [fd, interest] : watched_) {
            const int events = (interest.readable ? POLLIN : 0) | (interest.writable ? POLLOUT : 0);
            fds.push_back({fd, static_cast<short>(events), 0});
        }
        if (::poll(fds.data(), static_cast<nfds_t>(fds.size()), timeout) <= 0) return;
        if (fds[0].revents != 0) {
            std::array<char, 64> drained{};
            while (::read(pipe_[0], drained.data(), drained.size()) > 0) {
            }
        }
        for (std::size_t i = 1; i < fds.size(); ++i) {
            if (fds[i].revents == 0 || !watched_.contains(fds[i].fd)) continue;
            const bool broken = (fds[i].revents & (POLLERR | POLLHUP)) != 0;
            on_socket(fds[i].fd,
                      Readiness{broken || (fds[i].revents & POLLIN) != 0, broken || (fds[i].revents & POLLOUT) != 0});
        }
    }

  private:
    std::array<int, 2> pipe_{};
    std::unordered_map<int, Readiness> watched_;
};

#endif

/// What one function lets out must not end the thread that everything else runs on.
template <class Function>
void IoLoop::guard(Function&& function) {
    try {
        function();
    } catch (...) {
        if (on_exception_) on_exception_();
    }
}

IoLoop::IoLoop() : poller_(std::make_shared<Poller>()) {
    thread_ = std::thread([this] { run(); });
}

IoLoop::~IoLoop() { stop(); }

Clock::TimerId IoLoop::call_at(time_point when, std::function<void()> function) {
    return timers_.add(when, std::move(function));
}

void IoLoop::cancel(TimerId timer) { timers_.cancel(timer); }

void IoLoop::post(std::function<void()> function) {
    // Its own share of the poller: what was posted may end a call whose thread then destroys the loop, and that before
    // this thread has come to wake it.
    std::shared_ptr<Poller> asleep;
    {
        const auto lock = lock_briefly(mutex_);
        posted_.push_back(std::move(function));
        if (held_) {
            if (!std::exchange(wake_pending_, true)) asleep = poller_;
        } else if (!std::exchange(wanted_, true)) {
            parked_.notify_one();
        }
    }
    if (asleep) asleep->wake();
}

void IoLoop::watch(int fd, Readiness interest) { poller_->watch(fd, interest); }
void IoLoop::unwatch(int fd) { poller_->unwatch(fd); }

void IoLoop::stop() {
    if (!thread_.joinable()) return;
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        parked_.notify_one();
    }
    poller_->wake();
    thread_.join();
}

void IoLoop::take_over(std::unique_lock<std::mutex>& lock) {
    held_ = true;
    wanted_ = false;
    runner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    looked_at_ = now();
    lock.unlock();
}

void IoLoop::leave() {
    runner_.store({}, std::memory_order_relaxed);
    held_ = false;
    wake_pending_ = false;
    const bool more = !nothing_to_do() || !posted_.empty() || stopping_;
    if (more) wanted_ = true;
    // Under the lock: once it is free, the loop may be destroyed.
    if (more || timers_.next().value_or(time_point::max()) < parked_until_) parked_.notify_one();
}

bool IoLoop::run_here(const std::function<void()>& first, const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    if (held_ || wanted_ || stopping_) return false;
    take_over(lock);
    const int before = work_;
    guard(first);
    for (;;) {
        run_round();
        if (done() || stopping_ || work_ > before + 1) break;
        wait_for_sockets();
    }
    lock.lock();
    leave();
    return true;
}

/// Until there is something to do and nobody else does it. Timers may be looked at while nobody holds the loop.
void IoLoop::park(std::unique_lock<std::mutex>& lock) {
    for (;;) {
        if (!held_ && (wanted_ || stopping_)) break;
        parked_until_ = held_ ? time_point::max() : timers_.next().value_or(time_point::max());
        if (parked_until_ == time_point::max()) {
            parked_.wait(lock);
        } else if (parked_until_ <= now()) {
            break;
        } else {
            parked_.wait_until(lock, parked_until_);
        }
    }
    parked_until_ = time_point::max();
}

void IoLoop::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        park(lock);
        take_over(lock);
        for (;;) {
            run_round();
            if (stopping_) break;
            if (nothing_to_do()) {
                lock.lock();
                if (posted_.empty()) break;
                lock.unlock();
                continue;
            }
            wait_for_sockets();
        }
        if (stopping_) break;
        runner_.store({}, std::memory_order_relaxed);
        held_ = false;
        wake_pending_ = false;
    }
    if (lock.owns_lock()) lock.unlock();
    run_round();  // what was posted before the stop
}

void IoLoop::wait_for_sockets() {
    bool first = true;
    poller_->wait(timeout_until(timers_.next(), now()), [&](int fd, Readiness ready) {
        if (std::exchange(first, false)) looked_at_ = now();
        guard([&] { on_socket_(fd, ready); });
    });
    if (first) looked_at_ = now();
}

void IoLoop::run_round() {
    run_posted();
    if (timers_.next().value_or(time_point::max()) <= looked_at_) {
        end_round();  // what has been read already, and waits for its turn, comes before them as well
        run_due_timers();
    }
    end_round();
}

void IoLoop::end_round() {
    if (on_round_) guard(on_round_);
}

void IoLoop::run_posted() {
    {
        const auto lock = lock_briefly(mutex_);
        running_.swap(posted_);
        wake_pending_ = false;
    }
    for (auto& function : running_) guard(function);
    running_.clear();
}

void IoLoop::run_due_timers() {
    // Timers that are added by the ones that run here wait for the next round: sockets get their turn in between.
    for (auto left = timers_.size(); left > 0; --left) {
        auto function = timers_.take_due(looked_at_);
        if (!function) break;
        guard(function);
    }
}

}  // namespace holysheep::runtime
