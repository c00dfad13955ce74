// Runs one epoll loop; a request costs one wait, one read and one write.
#include "fixed_server.hpp"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "child_process.hpp"
#include "question.hpp"

namespace holysheep::bench {

namespace {

std::size_t number_after(std::string_view text, std::string_view name, std::size_t otherwise) {
    const auto at = text.find(name);
    if (at == std::string_view::npos) return otherwise;
    const auto digits = text.substr(at + name.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), otherwise);
    return otherwise;
}

class Loop {
  public:
    Loop(int listener, int recorded_listener, Sightings& sightings)
        : listener_(listener),
          recorded_listener_(recorded_listener),
          sightings_(sightings),
          epoll_(::epoll_create1(0)) {
        watch(listener);
        watch(recorded_listener);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 256> events{};
        for (;;) {
            const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < count; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == listener_ || fd == recorded_listener_) {
                    accept_all(fd);
                } else {
                    serve(fd);
                }
            }
        }
    }

  private:
    struct Connection {
        std::string pending{};
        bool recorded = false;
    };

    void watch(int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }

    void accept_all(int listener) {
        for (;;) {
            const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            const auto index = static_cast<std::size_t>(fd);
            if (index >= connections_.size()) connections_.resize(index + 64);
            connections_[index].pending.clear();
            connections_[index].recorded = listener == recorded_listener_;
            watch(fd);
        }
    }

    void serve(int fd) {
        auto& connection = connections_[static_cast<std::size_t>(fd)];
        std::array<char, 16'384> bytes;
        const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
        if (got <= 0) {
            ::close(fd);
            return;
        }
        connection.pending.append(bytes.data(), static_cast<std::size_t>(got));
        while (const auto length = request_length(connection.pending)) {
            if (connection.recorded) record(connection.pending.substr(0, length));
            connection.pending.erase(0, length);
            if (::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(answer_.size())) {
                ::close(fd);
                return;
            }
        }
    }

    // Length of the first request; 0 while it is incomplete.
    static std::size_t request_length(std::string_view text) {
        const auto end = text.find("\r\n\r\n");
        if (end == std::string_view::npos) return 0;
        const auto length = end + 4 + number_after(text.substr(0, end), "Content-Length: ", 0);
        return text.size() < length ? 0 : length;
    }

    void record(std::string request) {
        std::ranges::transform(request, request.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        sightings_.add(number_after(request, "idempotency-key: call-", Sightings::kCalls),
                       number_after(request, "x-holysheep-attempt: ", 0));
    }

    const int listener_, recorded_listener_;
    Sightings& sightings_;
    const int epoll_;
    std::vector<Connection> connections_;
    const std::string answer_ = answer_on_the_wire();
};

}  // namespace

FixedServer::FixedServer() {
    void* memory = ::mmap(nullptr, sizeof(Sightings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory to share with the server");
    sightings_ = new (memory) Sightings{};
    const auto plain = listen_on_loopback();
    const auto recorded = listen_on_loopback();
    port_ = plain.port;
    recorded_port_ = recorded.port;
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("cannot fork");
    if (process_ == 0) {
        die_with_parent();
        Loop(plain.fd, recorded.fd, *sightings_).run();
    }
    ::close(plain.fd);
    ::close(recorded.fd);
}

FixedServer::~FixedServer() {
    end_process(process_);
    ::munmap(sightings_, sizeof(Sightings));
}

}  // namespace holysheep::bench
