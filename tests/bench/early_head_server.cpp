// Uses blocking sockets, since only few are open at a time.
#include "early_head_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace holysheep::bench {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLength = "content-length: ";
// Small enough that reading a large request takes longer than any failover.
constexpr std::size_t kPortion = 32 * 1024;
constexpr auto kBetweenPortions = 5ms;

bool send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 'a' - 'A') : c; });
    return text;
}

std::size_t length_of(const std::string& head) {
    const auto at = head.find(kLength);
    std::size_t length = 0;
    if (at != std::string::npos) {
        std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), length);
    }
    return length;
}

std::string whole_answer(bool chat) {
    const std::string body =
        chat ? R"({"id":"1","object":"chat.completion","created":1,"model":"gpt-4.1","choices":[{"index":0,"message":)"
               R"({"role":"assistant","content":"Merino."},"finish_reason":"stop"}]})"
             : R"({"object":"list","data":[{"id":"gpt-4.1","object":"model","created":1,"owned_by":"bench"}]})";
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

}  // namespace

EarlyHeadServer::EarlyHeadServer(const std::string& host)
    : host_(host), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0) {
        ::close(listener_);
        throw std::runtime_error("no port for a server on " + host);
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this] { accept_all(); });
}

EarlyHeadServer::~EarlyHeadServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    close_connections();
}

void EarlyHeadServer::on_early_head(std::function<void()> function) {
    const std::lock_guard lock(mutex_);
    early_head_ = std::move(function);
}

void EarlyHeadServer::close_connections() {
    std::vector<std::jthread> over;
    {
        const std::lock_guard lock(mutex_);
        for (const int client : open_) ::shutdown(client, SHUT_RDWR);
        over = std::exchange(connections_, {});
    }
}

void EarlyHeadServer::accept_all() {
    for (;;) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        const std::lock_guard lock(mutex_);
        open_.push_back(client);
        connections_.emplace_back([this, client] {
            serve(client);
            const std::lock_guard closing(mutex_);
            std::erase(open_, client);
            ::close(client);
        });
    }
}

void EarlyHeadServer::serve(int client) {
    std::string input;
    std::array<char, 16 * 1024> bytes{};
    for (;;) {
        const auto end = input.find("\r\n\r\n");
        if (end != std::string::npos) {
            const auto head = lower_case(input.substr(0, end));
            const auto length = length_of(head);
            if (length >= kLargeRequest) {
                answer_early(client);
                return;
            }
            if (input.size() >= end + 4 + length) {
                input.erase(0, end + 4 + length);
                if (!send_all(client, whole_answer(head.starts_with("post")))) return;
                continue;
            }
        }
        const auto count = ::recv(client, bytes.data(), bytes.size(), 0);
        if (count <= 0) return;
        input.append(bytes.data(), static_cast<std::size_t>(count));
    }
}

void EarlyHeadServer::answer_early(int client) {
    if (!send_all(client, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"))
        return;
    const auto notify = [this] {
        const std::lock_guard lock(mutex_);
        return std::exchange(early_head_, nullptr);
    }();
    if (notify) notify();
    std::array<char, kPortion> portion{};
    while (::recv(client, portion.data(), portion.size(), 0) > 0) std::this_thread::sleep_for(kBetweenPortions);
}

}  // namespace holysheep::bench
