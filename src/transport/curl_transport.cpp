// Drives the multi handle: sockets, timers, start and end of transfers. libcurl forbids adding and removing transfers
// within its callbacks, so both are queued and done in `flush`.
#include "transport/curl_transport.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

#ifndef SOCK_CLOEXEC  // macOS: set after the socket is created
#define SOCK_CLOEXEC 0
#endif

namespace holysheep::transport {

namespace {

using namespace std::chrono_literals;

// Must exceed the number of transfers in flight; otherwise libcurl would close connections that are about to be reused.
constexpr long kMaxConnections = 65'536;

TransferId make_id(std::size_t slot, std::uint32_t generation) {
    return (TransferId{generation} << 32U) | (static_cast<TransferId>(slot) + 1);
}

CurlTransportOptions as_supported(CurlTransportOptions options) {
    if (drops_paused_http2(curl_version_info(CURLVERSION_NOW)->version_num)) options.http2 = false;
    return options;
}

}  // namespace

CurlTransport::CurlTransport(runtime::IoLoop& loop, CurlTransportOptions options)
    : loop_(loop),
      options_(as_supported(std::move(options))),
      proxy_environment_(options_.proxy.from_environment ? ProxyEnvironment::read() : ProxyEnvironment{}),
      jitter_(static_cast<std::minstd_rand::result_type>(options_.seed)) {
    initialise_curl();
    multi_.reset(curl_multi_init());
    if (!multi_) throw std::runtime_error("libcurl gave no multi handle");
    auto* multi = multi_.get();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &CurlTransport::socket_callback);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &CurlTransport::timer_callback);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, kMaxConnections);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
}

CurlTransport::~CurlTransport() {
    if (timer_ != 0) loop_.cancel(timer_);
    for (auto& transfer : transfers_) {
        transfer->cancelled = true;
        if (transfer->added) curl_multi_remove_handle(multi_.get(), transfer->handle());
    }
    transfers_.clear();
    multi_.reset();
}

TransferId CurlTransport::start(HttpRequest request, TransferEvents& events) {
    auto& transfer = take_transfer();
    const auto id = make_id(transfer.slot, transfer.generation);
    transfer.prepare(id, std::move(request), events);
    to_add_.push_back(id);
    return id;
}

void CurlTransport::cancel(TransferId id) {
    auto* transfer = find(id);
    if (transfer == nullptr) return;
    transfer->cancelled = true;
    if (in_curl_) {
        to_remove_.push_back(id);
    } else {
        release(*transfer);
    }
}

void CurlTransport::pause(TransferId id) {
    if (auto* transfer = find(id)) transfer->pause_wanted = true;
}

void CurlTransport::resume(TransferId id) {
    auto* transfer = find(id);
    if (transfer == nullptr || !std::exchange(transfer->pause_wanted, false)) return;
    if (transfer->paused) to_resume_.push_back(id);
}

std::optional<PathEvidence> CurlTransport::evidence(TransferId id) const {
    auto* transfer = find(id);
    if (transfer == nullptr) return std::nullopt;
    const auto now = loop_.now();
    const bool via_proxy = transfer->via_proxy();
    if (!transfer->was_sent()) return connecting_evidence(*transfer, now, via_proxy);
    const auto fd = transfer->endpoints() ? socket_of(*transfer->endpoints()) : std::nullopt;
    const auto path = fd ? tcp_path(*fd) : std::nullopt;
    if (!path) return std::nullopt;
    const auto mark = std::exchange(transfer->sent_mark, next_mark(*path, transfer->sent_mark, now));
    return PathEvidence{.unacked_for = unacked_for(*path, mark, now),
                        .srtt = path->srtt,
                        .rttvar = path->rttvar,
                        .via_proxy = via_proxy};
}

/// If several addresses are tried, an answer from one of them is enough. During name resolution there is no evidence.
std::optional<PathEvidence> CurlTransport::connecting_evidence(const CurlTransfer& transfer, Clock::time_point now,
                                                               bool via_proxy) const {
    std::optional<PathEvidence> evidence;
    for (const int fd : transfer.opened) {
        const auto& socket = sockets_[static_cast<std::size_t>(fd)];
        if (socket.opener != transfer.id()) continue;
        const auto path = tcp_path(fd);
        if (!path) continue;
        if (!path->connecting) return PathEvidence{.srtt = path->srtt, .rttvar = path->rttvar, .via_proxy = via_proxy};
        // The address that was tried last had the least time to answer.
        const nanoseconds silent_for = now - socket.opened;
        if (!evidence || silent_for < *evidence->unacked_for)
            evidence = PathEvidence{.unacked_for = silent_for, .via_proxy = via_proxy};
    }
    return evidence;
}

/// libcurl does not report which socket a transfer uses (CURLINFO_ACTIVESOCKET works after its end), but it reports the
/// endpoints before it sends. So compare them with the endpoints of our sockets, which are queried once.
std::optional<int> CurlTransport::socket_of(const Endpoints& endpoints) const {
    if (!by_endpoints_.contains(endpoints)) {
        for (std::size_t fd = 0; fd < sockets_.size(); ++fd) {
            auto& socket = sockets_[fd];
            if (socket.endpoints || socket.watch == Watch::unknown || socket.watch == Watch::foreign) continue;
            socket.endpoints = endpoints_of(static_cast<int>(fd));
            if (socket.endpoints) by_endpoints_[*socket.endpoints] = static_cast<int>(fd);
        }
    }
    const auto found = by_endpoints_.find(endpoints);
    if (found == by_endpoints_.end()) return std::nullopt;
    return found->second;
}

void CurlTransport::on_sent(TransferId id) {
    // On a shared connection, the kernel's times refer to the last sender.
    if (options_.http2) just_sent_.push_back(id);
}

void CurlTransport::on_stream(CurlTransfer& transfer) {
    const auto fd = transfer.endpoints() ? socket_of(*transfer.endpoints()) : std::nullopt;
    if (!fd) return;
    auto& socket = sockets_[static_cast<std::size_t>(*fd)];
    socket.http2 = true;
    transfer.origin().http2 = true;
    if (socket.last_stream && *transfer.stream_id > *socket.last_stream) transfer.stream_refused = true;
}

/// libcurl writes the line for any transfer of the connection.
void CurlTransport::on_goaway(const CurlTransfer& reader, std::uint32_t last) {
    const auto fd = reader.endpoints() ? socket_of(*reader.endpoints()) : std::nullopt;
    if (!fd) return;
    auto& socket = sockets_[static_cast<std::size_t>(*fd)];
    if (socket.last_stream && *socket.last_stream <= last) return;
    socket.last_stream = last;
    for (auto& transfer : transfers_) {
        if (!transfer->added || !transfer->stream_id || transfer->endpoints() != reader.endpoints()) continue;
        if (*transfer->stream_id > last) transfer->stream_refused = true;
    }
}

bool CurlTransport::speaks_http2(const Endpoints& endpoints) const {
    const auto fd = socket_of(endpoints);
    return fd && sockets_[static_cast<std::size_t>(*fd)].http2;
}

bool CurlTransport::connection_lives(const CurlTransfer& transfer) const {
    const auto fd = transfer.endpoints() ? socket_of(*transfer.endpoints()) : std::nullopt;
    if (!fd) return false;
    const auto& socket = sockets_[static_cast<std::size_t>(*fd)];
    const auto path = socket.http2 && !socket.last_stream ? tcp_path(*fd) : std::nullopt;
    return path && path->established;
}

Origin& CurlTransport::origin(std::string_view url) {
    const auto host = url.find("://");
    const auto end = host == std::string_view::npos ? host : url.find_first_of("/?#", host + 3);
    return origins_[std::string(url.substr(0, end))];
}

std::chrono::seconds CurlTransport::jittered_age() {
    if (options_.max_connection_age.count() <= 0) return {};
    const double factor = std::uniform_real_distribution(0.8, 1.2)(jitter_);
    return std::max(1s, std::chrono::round<std::chrono::seconds>(options_.max_connection_age * factor));
}

bool CurlTransport::in_odd_age(Origin& origin) {
    if (!origin.http2 || options_.max_connection_age.count() <= 0) return false;
    if (now() >= origin.age_ends) {
        if (origin.age_ends != Clock::time_point{}) origin.odd_age = !origin.odd_age;
        origin.age_ends = now() + jittered_age();
    }
    return origin.odd_age;
}

void CurlTransport::mark_sent() {
    for (const auto id : std::exchange(just_sent_, {})) {
        auto* transfer = find(id);
        if (transfer == nullptr || !transfer->endpoints()) continue;
        const auto fd = socket_of(*transfer->endpoints());
        const auto path = fd ? tcp_path(*fd) : std::nullopt;
        if (path) transfer->sent_mark = SentMark{.written = path->written, .at = loop_.now()};
    }
}

void CurlTransport::flush() {
    for (const auto id : std::exchange(yielded_, {})) {
        auto* transfer = find(id);
        if (transfer == nullptr) continue;
        transfer->round_bytes = 0;
        if (!transfer->pause_wanted) to_resume_.push_back(id);
    }
    // Functions called here may queue more; repeat until nothing is left.
    for (;;) {
        for (const auto id : std::exchange(to_remove_, {})) {
            if (auto* transfer = find(id)) release(*transfer);
        }
        if (!to_add_.empty()) {
            for (const auto id : std::exchange(to_add_, {})) {
                auto* transfer = find(id);
                if (transfer == nullptr) continue;
                transfer->added = true;
                curl_multi_add_handle(multi_.get(), transfer->handle());
            }
        }
        for (const auto id : std::exchange(to_resume_, {})) {
            auto* transfer = find(id);
            if (transfer == nullptr || !std::exchange(transfer->paused, false)) continue;
            resume(*transfer);
            in_curl_ = true;  // it may deliver buffered data within the call
            const auto code = curl_easy_pause(transfer->handle(), CURLPAUSE_CONT);
            in_curl_ = false;
            // If the buffered data ends the transfer, libcurl reports that only by this return value.
            if (code != CURLE_OK && !transfer->cancelled) {
                auto end = transfer->finish(code);
                transfer->cancelled = true;  // more data follows on its connection, so it cannot be reused
                report(*transfer, std::move(end));
            }
        }
        if (curl_due_ && *curl_due_ <= loop_.now()) {
            curl_due_.reset();
            drive(CURL_SOCKET_TIMEOUT, 0);
        }
        read_messages();
        if (!to_add_.empty() || !to_remove_.empty() || !to_resume_.empty()) continue;
        // libcurl 8.14 repeatedly requests an immediate timeout while a compressed answer is paused.
        if (!yielded_.empty() || !curl_due_ || *curl_due_ > loop_.now()) break;
    }
    if (!just_sent_.empty()) mark_sent();
    if (!yielded_.empty()) curl_due_ = loop_.now();  // a new round
    arm_timer();
}

void CurlTransport::on_socket(int fd, runtime::Readiness ready) {
    auto& watch = sockets_[static_cast<std::size_t>(fd)].watch;
    if (watch == Watch::idle) {
        // An idle pooled connection was closed by its peer, or received an HTTP/2 frame between requests. libcurl
        // notices when it reuses the connection; until then it must not wake the loop again.
        loop_.unwatch(fd);
        watch = Watch::asleep;
        return;
    }
    if (ready.readable && hold_back(fd)) ready.readable = false;
    if (!ready.readable && !ready.writable) return;
    drive(fd, (ready.readable ? CURL_CSELECT_IN : 0) | (ready.writable ? CURL_CSELECT_OUT : 0));
}

/// Whether the socket belongs to a paused transfer, and is not watched until that continues. Most versions of libcurl
/// do this themselves. 8.5.0 does not: it reads on, buffers without limit, and drops the data when the connection ends.
/// Over HTTP/2, other transfers may use the connection.
bool CurlTransport::hold_back(int fd) {
    auto& socket = sockets_[static_cast<std::size_t>(fd)];
    auto* user = find(socket.user);
    if (user == nullptr || !user->paused || options_.http2) return false;
    socket.watch = Watch::held;
    user->held_socket = fd;
    watch_socket(fd);
    return true;
}

void CurlTransport::resume(CurlTransfer& transfer) {
    const int fd = std::exchange(transfer.held_socket, -1);
    if (fd < 0 || sockets_[static_cast<std::size_t>(fd)].watch != Watch::held) return;
    sockets_[static_cast<std::size_t>(fd)].watch = Watch::active;
    watch_socket(fd);
}

void CurlTransport::watch_socket(int fd) {
    const auto& socket = sockets_[static_cast<std::size_t>(fd)];
    const bool reading = socket.reading && socket.watch != Watch::held;
    if (reading || socket.writing) {
        loop_.watch(fd, {reading, socket.writing});
    } else {
        loop_.unwatch(fd);
    }
}

void CurlTransport::drive(curl_socket_t fd, int events) {
    int running = 0;
    in_curl_ = true;
    curl_multi_socket_action(multi_.get(), fd, events, &running);
    in_curl_ = false;
}

void CurlTransport::read_messages() {
    int left = 0;
    while (auto* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CurlTransfer* transfer = nullptr;
        const auto code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        if (transfer->cancelled) {
            release(*transfer);
            continue;
        }
        if (transfer->starts_over()) {
            start_over(*transfer);
            continue;
        }
        report(*transfer, transfer->finish(code));
    }
}

void CurlTransport::report(CurlTransfer& transfer, TransferEnd end) {
    auto* events = transfer.events();
    const auto id = transfer.id();
    release(transfer);
    events->on_end(id, std::move(end));
}

void CurlTransport::start_over(CurlTransfer& transfer) {
    in_curl_ = true;
    curl_multi_remove_handle(multi_.get(), transfer.handle());
    in_curl_ = false;
    transfer.added = false;
    to_add_.push_back(transfer.id());
}

CurlTransfer* CurlTransport::find(TransferId id) const {
    const auto slot = static_cast<std::size_t>((id & 0xFFFF'FFFFU) - 1);
    if (id == 0 || slot >= transfers_.size()) return nullptr;
    auto* transfer = transfers_[slot].get();
    return make_id(slot, transfer->generation) == id ? transfer : nullptr;
}

CurlTransfer& CurlTransport::take_transfer() {
    if (free_slots_.empty()) {
        auto transfer = std::make_unique<CurlTransfer>(*this, options_);
        transfer->slot = transfers_.size();
        auto* easy = transfer->handle();
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &CurlTransport::open_socket);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer.get());
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlTransport::close_socket);
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
        return *transfers_.emplace_back(std::move(transfer));
    }
    const auto slot = free_slots_.back();
    free_slots_.pop_back();
    return *transfers_[slot];
}

void CurlTransport::release(CurlTransfer& transfer) {
    if (std::exchange(transfer.added, false)) {
        in_curl_ = true;
        // libcurl 7.88 sends the reset of a cancelled HTTP/2 stream only with other data on its connection. So close
        // the connection if nothing else uses it.
        if (transfer.cancelled) curl_easy_setopt(transfer.handle(), CURLOPT_FORBID_REUSE, 1L);
        curl_multi_remove_handle(multi_.get(), transfer.handle());
        if (transfer.cancelled) curl_easy_setopt(transfer.handle(), CURLOPT_FORBID_REUSE, 0L);
        in_curl_ = false;
    }
    ++transfer.generation;
    free_slots_.push_back(transfer.slot);
}

// ---- libcurl's callbacks ----

int CurlTransport::socket_callback(CURL* easy, curl_socket_t fd, int what, void* self, void*) {
    auto& transport = *static_cast<CurlTransport*>(self);
    auto& watch = transport.socket(fd).watch;
    if (what == CURL_POLL_REMOVE) {
        if (watch == Watch::active) {
            watch = Watch::idle;
        } else if (watch == Watch::held) {
            watch = Watch::asleep;
            transport.loop_.unwatch(fd);
        } else if (watch != Watch::asleep) {
            // Not one of our connections but the resolver's: libcurl closes it without a callback.
            transport.loop_.unwatch(fd);
            watch = Watch::unknown;
        }
        return 0;
    }
    if (watch == Watch::unknown) {
        transport.forget(fd);
        watch = Watch::foreign;
    }
    if (watch == Watch::idle || watch == Watch::asleep) watch = Watch::active;
    auto& socket = transport.socket(fd);
    socket.reading = (what & CURL_POLL_IN) != 0;
    socket.writing = (what & CURL_POLL_OUT) != 0;
    CurlTransfer* user = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &user);
    socket.user = user != nullptr ? user->id() : 0;
    transport.watch_socket(fd);
    return 0;
}

int CurlTransport::timer_callback(CURLM*, long timeout_ms, void* self) {
    auto& transport = *static_cast<CurlTransport*>(self);
    if (timeout_ms < 0) {
        transport.curl_due_.reset();
    } else {
        transport.curl_due_ = transport.loop_.now() + std::chrono::milliseconds{timeout_ms};
    }
    return 0;
}

void CurlTransport::arm_timer() {
    if (curl_due_ && timer_ != 0 && timer_at_ <= *curl_due_) return;
    if (timer_ != 0) loop_.cancel(std::exchange(timer_, 0));
    if (!curl_due_) return;
    timer_at_ = *curl_due_;
    timer_ = loop_.call_at(timer_at_, [this] { timer_ = 0; });  // the round that it starts flushes
}

curl_socket_t CurlTransport::open_socket(void* opener, curlsocktype, curl_sockaddr* address) {
    auto& transfer = *static_cast<CurlTransfer*>(opener);
    auto& transport = transfer.transport();
    // The connection of the request is lost, and libcurl opens another one to send it again.
    if (transfer.refuse_resend()) return CURL_SOCKET_BAD;
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) {
        transfer.socket_refused = errno == EMFILE || errno == ENFILE;
        return CURL_SOCKET_BAD;
    }
    if constexpr (SOCK_CLOEXEC == 0) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    transport.forget(fd);
    transport.socket(fd) = {.watch = Watch::active, .opener = transfer.id(), .opened = transport.loop_.now()};
    transfer.opened.push_back(fd);
    return fd;
}

int CurlTransport::close_socket(void* self, curl_socket_t fd) {
    auto& transport = *static_cast<CurlTransport*>(self);
    transport.socket(fd);
    transport.forget(fd);
    return ::close(fd);
}

/// Also for a new socket: libcurl 7.88 closes one that never connected without a callback, and its number, which the
/// kernel reuses, would still count as watched.
void CurlTransport::forget(int fd) {
    auto& old = socket(fd);
    if (old.endpoints) by_endpoints_.erase(*old.endpoints);
    old = {};
    loop_.unwatch(fd);
}

CurlTransport::Socket& CurlTransport::socket(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= sockets_.size()) sockets_.resize(index + 64);
    return sockets_[index];
}

}  // namespace holysheep::transport
