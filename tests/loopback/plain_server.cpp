// Reads a request: the head, then as many bytes as its Content-Length says.
#include "plain_server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <utility>

namespace holysheep::loopback {

namespace {

sockaddr_in loopback_address(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

bool is_complete(const std::string& request) {
    const auto head_end = request.find("\r\n\r\n");
    if (head_end == std::string::npos) return false;
    const auto length = header_of(request, "content-length");
    return request.size() >= head_end + 4 + (length.empty() ? 0 : std::stoul(length));
}

}  // namespace

bool send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

int connect_to(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback_address(port);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
    ::close(socket);
    return -1;
}

std::string http_answer(std::string_view status, std::string_view headers, std::string_view body) {
    return "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(headers) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string header_of(const std::string& request, std::string_view name) {
    const auto lower = [](std::string_view text) {
        std::string result(text);
        std::ranges::transform(result, result.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        return result;
    };
    const auto head = request.substr(0, request.find("\r\n\r\n") + 2);
    const auto at = lower(head).find("\r\n" + lower(name) + ":");
    if (at == std::string::npos) return {};
    const auto begin = head.find_first_not_of(' ', at + name.size() + 3);
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

std::string completion_json(std::string_view text) {
    return R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":)"
           R"({"role":"assistant","content":")" +
           std::string(text) + R"("},"finish_reason":"stop"}]})";
}

PlainServer::PlainServer(Serve serve, At at)
    : serve_(std::move(serve)), at_(at), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto address = loopback_address(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::runtime_error("no port to listen on");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this] { accept_all(); });
}

PlainServer::PlainServer(std::string answer)
    : PlainServer([answer = std::move(answer)](int socket, const std::string&) { return send_all(socket, answer); }) {}

PlainServer::~PlainServer() {
    {
        std::lock_guard lock(mutex_);
        closing_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    acceptor_.join();
    threads_.clear();
    ::close(listener_);
}

Region PlainServer::region(std::string id) const {
    return {.id = std::move(id), .base_url = "http://127.0.0.1:" + std::to_string(port_) + "/v1"};
}

std::vector<std::string> PlainServer::requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
}

void PlainServer::accept_all() {
    for (;;) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) return;
        std::lock_guard lock(mutex_);
        if (closing_) {
            ::close(socket);
            return;
        }
        sockets_.push_back(socket);
        threads_.emplace_back([this, socket] { serve_connection(socket); });
    }
}

void PlainServer::serve_connection(int socket) {
    std::string request;
    std::array<char, 16 * 1024> bytes{};
    for (;;) {
        const auto count = ::recv(socket, bytes.data(), bytes.size(), 0);
        if (count <= 0) break;
        request.append(bytes.data(), static_cast<std::size_t>(count));
        if (at_ == At::head ? request.find("\r\n\r\n") == std::string::npos : !is_complete(request)) continue;
        {
            std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        if (!serve_(socket, std::exchange(request, {}))) break;
    }
    std::lock_guard lock(mutex_);
    std::erase(sockets_, socket);
    ::close(socket);
}

}  // namespace holysheep::loopback
