// Owns the port and connections of a region, decides which requests a fault affects, and records requests.
// GatewaySimulator → [SimulatedGateway] → SimulatedConnection
#include "testing/simulated_gateway.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "testing/simulated_connection.hpp"

namespace holysheep::inline v0::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kBacklog = 4096;

[[noreturn]] void throw_socket_error(const std::string& what) {
    throw std::runtime_error("gateway simulator: " + what + ": " + std::strerror(errno));
}

// Several sockets may be bound to one port as long as at most one listens.
evutil_socket_t bind_to(const std::string& host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
        throw std::invalid_argument("gateway simulator: '" + host + "' is not an IPv4 address");
    const evutil_socket_t bound = ::socket(AF_INET, SOCK_STREAM, 0);
    if (bound < 0) throw_socket_error("no socket");
    evutil_make_socket_nonblocking(bound);
    evutil_make_socket_closeonexec(bound);
    evutil_make_listen_socket_reuseable(bound);
    if (::bind(bound, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int problem = errno;
        evutil_closesocket(bound);
        errno = problem;
        throw_socket_error("cannot use " + host + ":" + std::to_string(port));
    }
    return bound;
}

std::uint16_t port_of(evutil_socket_t bound) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(bound, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

std::int64_t unix_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

std::uint64_t RequestLog::add(std::string_view region, const ParsedRequest& request, std::uint64_t connection,
                              int number) {
    std::lock_guard lock(mutex_);
    const std::uint64_t serial = ++counters_.requests;
    if (options_.record) {
        SeenRequest seen;
        seen.region = region;
        seen.method = request.method;
        seen.path = request.path;
        seen.headers = request.headers;
        seen.body = request.body.substr(0, options_.max_body);
        seen.when = std::chrono::steady_clock::now();
        seen.connection = connection;
        seen.number_on_connection = number;
        seen_.push_back(std::move(seen));
        if (seen_.size() > options_.max_recorded) {
            seen_.pop_front();
            ++first_;
        }
    }
    changed_.notify_all();
    return serial;
}

void RequestLog::set_status(std::uint64_t serial, int status) {
    std::lock_guard lock(mutex_);
    if (SeenRequest* seen = find(serial)) seen->status = status;
}

void RequestLog::set_answered(std::uint64_t serial) {
    std::lock_guard lock(mutex_);
    if (SeenRequest* seen = find(serial)) seen->answered = true;
}

void RequestLog::set_closed_early(std::uint64_t serial) {
    std::lock_guard lock(mutex_);
    ++counters_.early_closes;
    if (SeenRequest* seen = find(serial)) seen->client_closed_early = true;
    changed_.notify_all();
}

void RequestLog::connection_opened() {
    std::lock_guard lock(mutex_);
    ++counters_.connections;
    ++counters_.open;
}

void RequestLog::connection_closed() {
    std::lock_guard lock(mutex_);
    --counters_.open;
    changed_.notify_all();
}

RequestLog::Counters RequestLog::counters() const {
    std::lock_guard lock(mutex_);
    return counters_;
}

std::vector<SeenRequest> RequestLog::seen() const {
    std::lock_guard lock(mutex_);
    return {seen_.begin(), seen_.end()};
}

void RequestLog::clear() {
    std::lock_guard lock(mutex_);
    seen_.clear();
    first_ = counters_.requests + 1;
}

SeenRequest* RequestLog::find(std::uint64_t serial) {
    if (!options_.record || serial < first_ || serial - first_ >= seen_.size()) return nullptr;
    return &seen_[static_cast<std::size_t>(serial - first_)];
}

SimulatedGateway::SimulatedGateway(event_base* base, SimulatedRegion region, const SimulatorOptions& options,
                                   std::uint64_t seed)
    : base_(base), region_(std::move(region)), options_(options), log_(options), random_(seed) {
    reservation_ = bind_to(region_.host, region_.port);
    port_ = port_of(reservation_);
    flap_timer_.reset(event_new(
        base_, -1, 0, [](evutil_socket_t, short, void* self) { static_cast<SimulatedGateway*>(self)->flap(); }, this));
    reaper_.reset(event_new(
        base_, -1, 0,
        [](evutil_socket_t, short, void* self) { static_cast<SimulatedGateway*>(self)->retired_.clear(); }, this));
    try {
        listen();
    } catch (...) {
        evutil_closesocket(reservation_);
        throw;
    }
}

SimulatedGateway::~SimulatedGateway() {
    listener_.reset();
    reset_connections();
    evutil_closesocket(reservation_);
}

void SimulatedGateway::set_fault(Fault fault) {
    fault_ = std::move(fault);
    event_del(flap_timer_.get());
    switch (fault_.kind) {
        case Fault::Kind::flap:
            listen();
            flap();
            break;
        case Fault::Kind::refuse: stop_listening(); break;
        default: listen();
    }
    if (!std::exchange(frozen_, false)) return;
    // When one connection continues, its client may finish and close others: so iterate over a copy of the numbers.
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, connection] : connections_) numbers.push_back(number);
    for (const auto number : numbers) {
        if (const auto found = connections_.find(number); found != connections_.end()) found->second->resume();
    }
}

void SimulatedGateway::set_stream(int chunks, std::chrono::milliseconds between_chunks) {
    region_.chunks = chunks;
    region_.between_chunks = between_chunks;
}

void SimulatedGateway::reset_connections() {
    const auto open = std::exchange(connections_, {});
    for (const auto& [number, connection] : open) connection->reset();
}

std::pair<std::uint64_t, AnswerScript> SimulatedGateway::accept_request(const ParsedRequest& request,
                                                                        std::uint64_t connection,
                                                                        int number_on_connection) {
    const std::uint64_t serial = log_.add(region_.id, request, connection, number_on_connection);
    const GatewayAnswer answer = answer_request(request, {.region = region_.id,
                                                          .api_key = options_.api_key,
                                                          .serial = serial,
                                                          .chunks = region_.chunks,
                                                          .unix_time = unix_now()});
    AnswerScript script = script_answer(answer, request, fault_for(request),
                                        {.latency = region_.latency,
                                         .between_chunks = region_.between_chunks,
                                         .thinking = request.method == "POST" ? region_.thinking : 0ms,
                                         .late_head = region_.late_head});
    log_.set_status(serial, script.status);
    return {serial, std::move(script)};
}

// The connection may be on the call stack, so the loop deletes it later.
void SimulatedGateway::retire(SimulatedConnection& connection) {
    log_.connection_closed();
    const auto found = connections_.find(connection.number());
    if (found == connections_.end()) return;  // `reset_connections` holds it
    retired_.push_back(std::move(found->second));
    connections_.erase(found);
    event_active(reaper_.get(), EV_TIMEOUT, 0);
    if (listener_) evconnlistener_enable(listener_.get());
}

void SimulatedGateway::listen() {
    if (listener_) return;
    const evutil_socket_t bound = bind_to(region_.host, port_);
    listener_.reset(evconnlistener_new(
        base_,
        [](evconnlistener*, evutil_socket_t socket, sockaddr*, int, void* self) {
            static_cast<SimulatedGateway*>(self)->accepted(socket);
        },
        this, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, kBacklog, bound));
    if (!listener_) {
        evutil_closesocket(bound);
        throw_socket_error("cannot listen on port " + std::to_string(port_));
    }
    // Out of descriptors: accept again when a connection is closed.
    evconnlistener_set_error_cb(listener_.get(),
                                [](evconnlistener* listener, void*) { evconnlistener_disable(listener); });
}

void SimulatedGateway::stop_listening() {
    listener_.reset();
    reset_connections();
}

void SimulatedGateway::flap() {
    if (listener_)
        stop_listening();
    else
        listen();
    const timeval period = libevent::to_timeval(fault_.period > 0ms ? fault_.period : 1000ms);
    event_add(flap_timer_.get(), &period);
}

void SimulatedGateway::accepted(evutil_socket_t socket) {
    log_.connection_opened();
    const std::uint64_t number = ++last_connection_;
    connections_.emplace(number, std::make_unique<SimulatedConnection>(base_, socket, *this, number));
}

const Fault& SimulatedGateway::fault_for(const ParsedRequest& request) {
    static const Fault healthy;
    const bool strikes = fault_.times != 0 && request.path.find(fault_.path) != std::string::npos &&
                         (fault_.share >= 1.0 || std::uniform_real_distribution<>()(random_) < fault_.share);
    if (!strikes) return healthy;
    if (fault_.times > 0) --fault_.times;
    return fault_;
}

}  // namespace holysheep::inline v0::testing
