// The poller for Linux: epoll, and an eventfd to wake it. The cost of a wait does not depend on the number of sockets.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <vector>

#include "runtime/poller.hpp"

namespace holysheep::runtime {

namespace {

class EpollPoller final : public Poller {
  public:
    EpollPoller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (epoll_ < 0 || wakeup_ < 0) {
            const int error = errno;
            if (epoll_ >= 0) ::close(epoll_);
            if (wakeup_ >= 0) ::close(wakeup_);
            throw std::system_error(error, std::generic_category(), "cannot create the I/O thread's epoll set");
        }
        // Edge-triggered: each write wakes the poller once without a read.
        control(EPOLL_CTL_ADD, wakeup_, EPOLLIN | EPOLLET);
    }
    ~EpollPoller() override {
        ::close(wakeup_);
        ::close(epoll_);
    }

    void wake() override {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wakeup_, &one, sizeof one);
    }

    void watch(int fd, Readiness interest) override {
        const auto index = static_cast<std::size_t>(fd);
        if (index >= watched_.size()) watched_.resize(index + 64);
        auto& entry = watched_[index];
        if (entry.known && entry.interest == interest) return;
        const std::uint32_t events = (interest.readable ? EPOLLIN : 0U) | (interest.writable ? EPOLLOUT : 0U);
        const bool was_known = entry.known;
        entry = {true, interest};
        control(was_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, events);
    }

    void unwatch(int fd) override {
        if (!watches(fd)) return;
        watched_[static_cast<std::size_t>(fd)] = {};
        control(EPOLL_CTL_DEL, fd, 0);
    }

    bool watches(int fd) const override {
        const auto index = static_cast<std::size_t>(fd);
        return index < watched_.size() && watched_[index].known;
    }

    std::span<const ReadySocket> wait(int timeout) override {
        const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout);
        std::size_t ready = 0;
        for (int i = 0; i < count; ++i) {
            const auto& event = events_[static_cast<std::size_t>(i)];
            if (event.data.fd == wakeup_) continue;
            const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
            ready_[ready++] = {event.data.fd,
                               {broken || (event.events & EPOLLIN) != 0, broken || (event.events & EPOLLOUT) != 0}};
        }
        return {ready_.data(), ready};
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
    std::array<ReadySocket, 256> ready_{};
};

}  // namespace

std::shared_ptr<Poller> make_poller() { return std::make_shared<EpollPoller>(); }

}  // namespace holysheep::runtime
