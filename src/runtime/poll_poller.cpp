// The portable poller: poll, and a pipe to wake it. Each wait passes all sockets to the kernel.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <vector>

#include "runtime/poller.hpp"

namespace holysheep::runtime {

namespace {

class PollPoller final : public Poller {
  public:
    PollPoller() {
        if (::pipe(pipe_.data()) != 0) {
            throw std::system_error(errno, std::generic_category(), "cannot create the I/O thread's wakeup pipe");
        }
        for (const int fd : pipe_) {
            ::fcntl(fd, F_SETFL, O_NONBLOCK);
            ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
        sockets_.push_back({pipe_[0], POLLIN, 0});
    }
    ~PollPoller() override {
        for (const int fd : pipe_) ::close(fd);
    }

    void wake() override {
        const char one = 1;
        [[maybe_unused]] const auto written = ::write(pipe_[1], &one, 1);
    }

    void watch(int fd, Readiness interest) override {
        const auto index = static_cast<std::size_t>(fd);
        if (index >= positions_.size()) positions_.resize(index + 64);
        const int events = (interest.readable ? POLLIN : 0) | (interest.writable ? POLLOUT : 0);
        auto& place = positions_[index];
        if (place == 0) {
            place = sockets_.size();
            sockets_.push_back({fd, 0, 0});
        }
        sockets_[place].events = static_cast<short>(events);
    }

    void unwatch(int fd) override {
        if (!watches(fd)) return;
        // Moves the last entry to the free position.
        auto& place = positions_[static_cast<std::size_t>(fd)];
        sockets_[place] = sockets_.back();
        positions_[static_cast<std::size_t>(sockets_[place].fd)] = place;
        sockets_.pop_back();
        place = 0;
    }

    bool watches(int fd) const override {
        const auto index = static_cast<std::size_t>(fd);
        return index < positions_.size() && positions_[index] != 0;
    }

    std::span<const ReadySocket> wait(int timeout) override {
        ready_.clear();
        if (::poll(sockets_.data(), static_cast<nfds_t>(sockets_.size()), timeout) <= 0) return {};
        if (sockets_[0].revents != 0) drain();
        // From last to first: an entry that moves to a free position was already checked.
        for (std::size_t i = sockets_.size() - 1; i > 0; --i) {
            const auto [fd, interest, events] = sockets_[i];
            if (events == 0) continue;
            if ((events & POLLNVAL) != 0) {
                unwatch(fd);  // closed without a word: epoll, too, would forget it
                continue;
            }
            const bool broken = (events & (POLLERR | POLLHUP)) != 0;
            ready_.push_back({fd, {broken || (events & POLLIN) != 0, broken || (events & POLLOUT) != 0}});
        }
        return ready_;
    }

  private:
    void drain() {
        std::array<char, 64> drained{};
        while (::read(pipe_[0], drained.data(), drained.size()) > 0) {
        }
    }

    std::array<int, 2> pipe_{};
    std::vector<pollfd> sockets_;         // the first is the pipe
    std::vector<std::size_t> positions_;  // by descriptor: its index in `sockets_`; 0: none
    std::vector<ReadySocket> ready_;
};

}  // namespace

std::shared_ptr<Poller> make_poller() { return std::make_shared<PollPoller>(); }

}  // namespace holysheep::runtime
