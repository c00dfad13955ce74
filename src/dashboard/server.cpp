// Serves three paths, each from one snapshot. evhttp implements HTTP; no state is kept between requests.
// browser, Prometheus → evhttp → [DashboardServer] → stats()
#include <holysheep/dashboard/server.hpp>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "dashboard/access.hpp"
#include "dashboard/page.hpp"
#include "libevent/loop_thread.hpp"

namespace holysheep {
inline namespace v0 {

namespace {

// Requests need no more than this; connections with slow requests are closed.
constexpr int kMaxHeaderBytes = 16 * 1024, kMaxBodyBytes = 4 * 1024, kSecondsToAsk = 10;
// Connections at a time. Further ones wait in the kernel, where they use no descriptors that calls need.
constexpr std::size_t kMaxConnections = 64;
// How often to check for closed connections and slow requests.
constexpr timeval kSweep{.tv_sec = 0, .tv_usec = 250'000};

Error refused(std::string message) { return {.code = ErrorCode::invalid_options, .message = std::move(message)}; }

std::string_view or_empty(const char* text) { return text == nullptr ? std::string_view() : text; }

std::string random_word() {
    std::random_device device;
    std::array<char, 33> word{};
    for (int i = 0; i < 4; ++i) std::snprintf(word.data() + 8 * i, 9, "%08x", device());
    return word.data();
}

std::uint16_t port_of(evutil_socket_t bound) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(bound, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                               : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

/// One answer: its headers as they are added, its body at the end.
class Answer {
  public:
    explicit Answer(evhttp_request* request) : request_(request) {
        header("Cache-Control", "no-store").header("X-Content-Type-Options", "nosniff");
        header("Referrer-Policy", "no-referrer").header("Cross-Origin-Resource-Policy", "same-origin");
    }
    Answer& header(const char* name, const std::string& value) {
        evhttp_add_header(evhttp_request_get_output_headers(request_), name, value.c_str());
        return *this;
    }
    void send(int status, const char* type, std::string_view body) {
        header("Content-Type", type);
        if (evhttp_request_get_command(request_) == EVHTTP_REQ_HEAD) {
            // libevent would send an unexpected body before the next answer on the connection.
            header("Content-Length", std::to_string(body.size()));
        } else {
            evbuffer_add(evhttp_request_get_output_buffer(request_), body.data(), body.size());
        }
        evhttp_send_reply(request_, status, nullptr, nullptr);
    }
    void say(int status, const std::string& text) { send(status, "text/plain; charset=utf-8", text + "\n"); }

  private:
    evhttp_request* request_;
};

/// The connections of a server, and since when each has been sending its request. libevent's timeout restarts with each
/// byte, so that one request could take for ever.
class Connections {
  public:
    Connections() = default;
    ~Connections() {
        for (const auto& [connection, since] : since_) bufferevent_decref(connection);
    }
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    bufferevent* add(event_base* base) {
        auto* const connection = bufferevent_socket_new(base, -1, 0);
        if (connection == nullptr) return nullptr;  // evhttp creates one, or fails
        bufferevent_incref(connection);             // its count shows when evhttp releases it; evhttp closes its socket
        since_.emplace(connection, std::chrono::steady_clock::now());
        return connection;
    }
    /// The request is complete; another may follow.
    void record_request(bufferevent* connection) {
        if (const auto at = since_.find(connection); at != since_.end()) at->second = std::chrono::steady_clock::now();
    }
    void sweep() {
        const auto last = std::chrono::steady_clock::now() - std::chrono::seconds{kSecondsToAsk};
        for (auto at = since_.begin(); at != since_.end();) {
            bufferevent_event_cb watched = nullptr;
            bufferevent_getcb(at->first, nullptr, nullptr, &watched, nullptr);
            if (watched == nullptr) {
                bufferevent_decref(at->first);
                at = since_.erase(at);
                continue;
            }
            if (at->second < last) ::shutdown(bufferevent_getfd(at->first), SHUT_RDWR);
            ++at;
        }
    }
    bool full() const { return since_.size() >= kMaxConnections; }

  private:
    std::map<bufferevent*, std::chrono::steady_clock::time_point> since_;
};

}  // namespace

class DashboardServer::Impl {
  public:
    Impl(std::function<Stats()> stats, DashboardServerOptions options)
        : stats_(std::move(stats)), options_(std::move(options)), http_(evhttp_new(loop_.base())) {
        if (!http_) throw std::runtime_error("libevent gives no server");
        evhttp_set_max_headers_size(http_.get(), kMaxHeaderBytes);
        evhttp_set_max_body_size(http_.get(), kMaxBodyBytes);
        evhttp_set_timeout(http_.get(), kSecondsToAsk);
        // All methods are accepted, so that each gets an answer with the remedy.
        evhttp_set_allowed_methods(http_.get(), EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                                    EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
        evhttp_set_bevcb(
            http_.get(), [](event_base*, void* self) { return static_cast<Impl*>(self)->accept(); }, this);
        evhttp_set_gencb(
            http_.get(), [](evhttp_request* request, void* self) { static_cast<Impl*>(self)->answer(request); }, this);
    }
    ~Impl() { loop_.stop(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    /// Why it cannot listen; unset: it listens.
    std::optional<std::string> listen() {
        errno = 0;
        auto* const bound = evhttp_bind_socket_with_handle(http_.get(), options_.host.c_str(), options_.port);
        if (bound == nullptr) {
            const std::string why = errno != 0 ? std::strerror(errno) : "no such address";
            return "dashboard: cannot listen on " + options_.host + ":" + std::to_string(options_.port) + ": " + why +
                   "; port 0 takes one that is free, and host must be an address of this machine";
        }
        listener_ = evhttp_bound_socket_get_listener(bound);
        port_ = port_of(evhttp_bound_socket_get_fd(bound));
        // Out of descriptors: connections wait until the next sweep, so that the loop does not spin.
        evconnlistener_set_error_cb(listener_,
                                    [](evconnlistener* listener, void*) { evconnlistener_disable(listener); });
        sweeper_.reset(event_new(
            loop_.base(), -1, EV_PERSIST, [](evutil_socket_t, short, void* self) { static_cast<Impl*>(self)->sweep(); },
            this));
        event_add(sweeper_.get(), &kSweep);
        cookie_name_ = dashboard::cookie_name(port_);
        loop_.start();
        return std::nullopt;
    }

    std::uint16_t port() const { return port_; }
    std::string url() const {
        std::string host = options_.host;
        if (host == "0.0.0.0") host = "127.0.0.1";
        if (host == "::") host = "::1";
        if (host.find(':') != std::string::npos) host = "[" + host + "]";
        return "http://" + host + ":" + std::to_string(port_) + "/" +
               (options_.token.empty() ? "" : "?token=" + options_.token);
    }

  private:
    bufferevent* accept() {
        connections_.sweep();
        auto* const connection = connections_.add(loop_.base());
        if (connections_.full()) evconnlistener_disable(listener_);
        return connection;
    }
    void sweep() {
        connections_.sweep();
        if (!connections_.full()) evconnlistener_enable(listener_);
    }

    void answer(evhttp_request* request) {
        connections_.record_request(evhttp_connection_get_bufferevent(evhttp_request_get_connection(request)));
        Answer answer(request);
        const auto* const headers = evhttp_request_get_input_headers(request);
        const auto* const uri = evhttp_request_get_evhttp_uri(request);
        const auto header = [&](const char* name) { return or_empty(evhttp_find_header(headers, name)); };
        const dashboard::RequestIdentity identity{
            .host = header("Host"),
            .authorization = header("Authorization"),
            .cookie = header("Cookie"),
            .query = or_empty(uri == nullptr ? nullptr : evhttp_uri_get_query(uri))};
        const auto path = or_empty(uri == nullptr ? nullptr : evhttp_uri_get_path(uri));
        switch (dashboard::admit(identity, options_, cookie_name_)) {
            case dashboard::Admission::granted: break;
            case dashboard::Admission::with_cookie:
                answer.header("Set-Cookie", cookie_name_ + "=" + options_.token + "; Path=/; HttpOnly; SameSite=Lax");
                if (path != "/" && !path.empty()) break;
                answer.header("Location", "./").say(303, "see ./");
                return;
            case dashboard::Admission::foreign_host:
                answer.say(403, "this server is not known by that name: ask for " + url() +
                                    ", or give it a token to use it by any name");
                return;
            case dashboard::Admission::wrong_token:
                answer.header("WWW-Authenticate", "Bearer realm=\"holysheep\"")
                    .say(401,
                         "the token is missing or wrong: open the page with ?token=..., or send Authorization: Bearer");
                return;
        }
        const auto method = evhttp_request_get_command(request);
        if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
            answer.header("Allow", "GET, HEAD").say(405, "there is nothing to change here: GET and HEAD only");
            return;
        }
        try {
            show(path, answer);
        } catch (const std::exception&) {
            answer.say(500, "the snapshot could not be taken");
        }
    }

    void show(std::string_view path, Answer& answer) {
        if (path == "/metrics") {
            answer.send(200, "text/plain; version=0.0.4; charset=utf-8", stats_().to_prometheus());
        } else if (path == "/stats.json") {
            answer.send(200, "application/json", stats_().to_json());
        } else if (path == "/" || path.empty()) {
            const auto nonce = random_word();
            answer.header("Content-Security-Policy",
                          "default-src 'none'; connect-src 'self'; img-src data:; style-src 'nonce-" + nonce +
                              "'; script-src 'nonce-" + nonce +
                              "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
            answer.send(200, "text/html; charset=utf-8", dashboard::page(options_.title, nonce));
        } else {
            answer.say(404, "there is no such page here, only /, /stats.json and /metrics");
        }
    }

    const std::function<Stats()> stats_;
    const DashboardServerOptions options_;
    std::uint16_t port_ = 0;
    std::string cookie_name_;
    evconnlistener* listener_ = nullptr;
    libevent::LoopThread loop_;  // outlives the server, whose events live in its base
    Connections connections_;    // outlives the server, whose connections it releases afterwards
    libevent::HttpServer http_;
    libevent::Event sweeper_;
};

DashboardServer::DashboardServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DashboardServer::DashboardServer(std::function<Stats()> stats, DashboardServerOptions options)
    : DashboardServer(create(std::move(stats), std::move(options)).value()) {}
DashboardServer::DashboardServer(DashboardServer&&) noexcept = default;
DashboardServer& DashboardServer::operator=(DashboardServer&&) noexcept = default;
DashboardServer::~DashboardServer() = default;

Result<DashboardServer> DashboardServer::create(std::function<Stats()> stats, DashboardServerOptions options) {
    if (!stats) return refused("dashboard: there is nothing to show: `stats` is empty");
    if (auto why = dashboard::validate(options)) return refused(*std::move(why));
    try {
        auto impl = std::make_unique<Impl>(std::move(stats), std::move(options));
        if (auto why = impl->listen()) return refused(*std::move(why));
        return DashboardServer(std::move(impl));
    } catch (const std::runtime_error& problem) {
        return refused(std::string("dashboard: ") + problem.what());
    }
}

std::uint16_t DashboardServer::port() const { return impl_->port(); }
std::string DashboardServer::url() const { return impl_->url(); }

}  // namespace v0
}  // namespace holysheep
