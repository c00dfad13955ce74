// Runs one epoll loop and a heap of streams, ordered by the time of their next piece.
#include "stream_server.hpp"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <new>
#include <queue>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "child_process.hpp"
#include "stream_script.hpp"

namespace holysheep::bench {

namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 10 Mar 2025 01:31:23 GMT\r\n"
    "Content-Type: text/event-stream; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n"
    "Connection: keep-alive\r\n"
    "x-request-id: req_2f1b6b1a7c5d4f3e9a8b7c6d5e4f3a2b\r\n"
    "\r\n";
constexpr std::string_view kEnd = "0\r\n\r\n";

std::string frame(std::string_view text) {
    std::array<char, 16> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), text.size(), 16);
    return std::string(digits.data(), end).append("\r\n").append(text).append("\r\n");
}

std::string whole_stream(const StreamScript& script) {
    std::string events;
    const auto put = [&](const std::string& event) { events += script.one_frame_per_event ? frame(event) : event; };
    put(first_event());
    for (std::size_t i = 0; i < script.chunks; ++i) put(content_event(i));
    put(last_events());
    return std::string(kHead) + (script.one_frame_per_event ? events : frame(events)) + std::string(kEnd);
}

class Loop {
  public:
    Loop(int listener, StreamServer::Shared& shared)
        : listener_(listener), shared_(shared), epoll_(::epoll_create1(0)) {
        control(EPOLL_CTL_ADD, listener, EPOLLIN);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 512> events{};
        for (;;) {
            const int count =
                ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), milliseconds_to_next());
            for (int i = 0; i < count; ++i) {
                const auto& event = events[static_cast<std::size_t>(i)];
                if (event.data.fd == listener_) {
                    accept_all();
                } else if ((event.events & EPOLLOUT) != 0) {
                    send_rest(event.data.fd);
                } else {
                    read_request(event.data.fd);
                }
            }
            check_gate();
            send_due();
        }
    }

  private:
    struct Connection {
        std::string pending{};
        std::string_view rest{};  ///< the unsent part of a burst
        StreamScript script{};
        std::size_t next = 0;  ///< next piece of a paced stream
        Time due{};
        unsigned generation = 0;
        bool open = false;
    };
    struct Due {
        Time when;
        int fd;
        unsigned generation;
        bool operator>(const Due& other) const { return when > other.when; }
    };

    void control(int operation, int fd, std::uint32_t wanted) const {
        epoll_event event{};
        event.events = wanted;
        event.data.fd = fd;
        ::epoll_ctl(epoll_, operation, fd, &event);
    }

    Connection& at(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

    int milliseconds_to_next() const {
        if (due_.empty()) return gated_.empty() ? -1 : 1;
        const auto wait =
            std::chrono::ceil<std::chrono::milliseconds>(due_.top().when - std::chrono::steady_clock::now());
        return static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, gated_.empty() ? 100 : 1));
    }

    void accept_all() {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            if (static_cast<std::size_t>(fd) >= connections_.size())
                connections_.resize(static_cast<std::size_t>(fd) + 1024);
            const auto generation = at(fd).generation + 1;
            at(fd) = {};
            at(fd).generation = generation;
            at(fd).open = true;
            control(EPOLL_CTL_ADD, fd, EPOLLIN);
        }
    }

    void close_connection(int fd) {
        if (std::erase(gated_, fd) > 0) --shared_.waiting;
        at(fd).open = false;
        ::close(fd);
    }

    void read_request(int fd) {
        std::array<char, 16'384> bytes;
        const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
        if (got <= 0) return close_connection(fd);
        auto& connection = at(fd);
        connection.pending.append(bytes.data(), static_cast<std::size_t>(got));
        const auto head = connection.pending.find("\r\n\r\n");
        if (head == std::string::npos) return;
        std::size_t length = 0;
        const auto field = connection.pending.find("Content-Length: ");
        if (field < head) {
            std::from_chars(connection.pending.data() + field + 16, connection.pending.data() + head, length);
        }
        if (connection.pending.size() < head + 4 + length) return;
        connection.script = script_from(std::string_view(connection.pending).substr(0, head));
        connection.pending.clear();
        connection.pending.shrink_to_fit();
        answer(fd, connection);
    }

    void answer(int fd, Connection& connection) {
        if (connection.script.period_us == 0) {
            auto& text = bursts_[{connection.script.chunks, connection.script.one_frame_per_event}];
            if (text.empty()) text = whole_stream(connection.script);
            connection.rest = text;
            return send_rest(fd);
        }
        connection.next = 0;
        if (!send(fd, std::string(kHead) + frame(first_event()))) return;
        if (connection.script.waits_for_gate && shared_.opened == 0) {
            gated_.push_back(fd);
            ++shared_.waiting;
            return;
        }
        // Streams that begin together do not send at the same moments.
        spread_ = (spread_ + 7'919) % connection.script.period_us;
        schedule(fd, std::chrono::steady_clock::now() + std::chrono::microseconds{spread_});
    }

    void check_gate() {
        if (gated_.empty() || shared_.opened == 0) return;
        const auto now = std::chrono::steady_clock::now();
        const auto count = std::max(shared_.opened.load(), 1U);
        std::uint64_t order = 0;
        for (const int fd : std::exchange(gated_, {})) {
            schedule(fd, now + std::chrono::microseconds{order++ * at(fd).script.period_us / count});
        }
        shared_.waiting = 0;
    }

    void schedule(int fd, Time when) {
        at(fd).due = when;
        due_.push({when, fd, at(fd).generation});
    }

    void send_due() {
        const auto now = std::chrono::steady_clock::now();
        while (!due_.empty() && due_.top().when <= now) {
            const auto due = due_.top();
            due_.pop();
            auto& connection = at(due.fd);
            if (!connection.open || connection.generation != due.generation) continue;
            if (connection.next < connection.script.chunks) {
                if (!send(due.fd, frame(content_event(connection.next++)))) continue;
                schedule(due.fd, connection.due + std::chrono::microseconds{connection.script.period_us});
            } else {
                send(due.fd, frame(last_events()) + std::string(kEnd));
            }
        }
    }

    /// Paced pieces are small: a client that does not accept one is dead.
    bool send(int fd, const std::string& text) {
        if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())) return true;
        close_connection(fd);
        return false;
    }

    void send_rest(int fd) {
        auto& rest = at(fd).rest;
        const auto sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return close_connection(fd);
        rest.remove_prefix(sent < 0 ? 0 : static_cast<std::size_t>(sent));
        control(EPOLL_CTL_MOD, fd, rest.empty() ? EPOLLIN : EPOLLOUT);
    }

    const int listener_;
    StreamServer::Shared& shared_;
    const int epoll_;
    std::vector<Connection> connections_;
    std::vector<int> gated_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::map<std::pair<std::size_t, bool>, std::string> bursts_;
    std::uint64_t spread_ = 0;
};

}  // namespace

StreamServer::StreamServer() {
    void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory to share with the server");
    shared_ = new (memory) Shared{};
    const auto listener = listen_on_loopback();
    port_ = listener.port;
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("cannot fork");
    if (process_ == 0) {
        die_with_parent();
        Loop(listener.fd, *shared_).run();
    }
    ::close(listener.fd);
}

StreamServer::~StreamServer() {
    end_process(process_);
    ::munmap(shared_, sizeof(Shared));
}

}  // namespace holysheep::bench
