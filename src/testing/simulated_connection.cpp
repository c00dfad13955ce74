// Plays answer scripts on a bufferevent: waits for delays by timer and for slow readers by draining.
// socket → [SimulatedConnection] → SimulatedGateway → AnswerScript → socket
#include "testing/simulated_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>

#include "testing/simulated_gateway.hpp"

namespace holysheep::inline v0::testing {
namespace {

constexpr std::size_t kMaxUnsent = 64 * 1024;
constexpr std::size_t kMaxUnread = 1024 * 1024;

template <class Object>
Object& self(void* context) {
    return *static_cast<Object*>(context);
}

}  // namespace

SimulatedConnection::SimulatedConnection(event_base* base, evutil_socket_t socket, SimulatedGateway& gateway,
                                         std::uint64_t number)
    : gateway_(gateway), number_(number), socket_(bufferevent_socket_new(base, socket, BEV_OPT_CLOSE_ON_FREE)) {
    const int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    timer_.reset(event_new(
        base, -1, 0, [](evutil_socket_t, short, void* context) { self<SimulatedConnection>(context).on_time(); },
        this));
    bufferevent_setcb(
        socket_.get(), [](bufferevent*, void* context) { self<SimulatedConnection>(context).on_readable(); },
        [](bufferevent*, void* context) { self<SimulatedConnection>(context).on_drained(); },
        [](bufferevent*, short, void* context) { self<SimulatedConnection>(context).on_closed(); }, this);
    bufferevent_setwatermark(socket_.get(), EV_READ, 0, kMaxUnread);
    bufferevent_enable(socket_.get(), EV_READ | EV_WRITE);
}

SimulatedConnection::~SimulatedConnection() = default;

void SimulatedConnection::reset() {
    if (!socket_) return;
    const linger reset_on_close{1, 0};
    setsockopt(bufferevent_getfd(socket_.get()), SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof reset_on_close);
    retire();
}

void SimulatedConnection::resume() {
    if (answering_) play();
    read_requests();
}

void SimulatedConnection::on_readable() { read_requests(); }

void SimulatedConnection::on_drained() {
    if (!std::exchange(draining_, false)) return;
    play();
    read_requests();
}

void SimulatedConnection::on_time() {
    delay_passed_ = true;
    play();
    read_requests();
}

void SimulatedConnection::on_closed() {
    if (answering_ && serial_ != 0) gateway_.client_closed(serial_);
    retire();
}

// During an answer, further requests stay in the buffer of the socket.
void SimulatedConnection::read_requests() {
    while (socket_ && !answering_ && !gateway_.frozen()) {
        evbuffer* input = bufferevent_get_input(socket_.get());
        std::array<char, 16 * 1024> bytes{};
        while (const int count = evbuffer_remove(input, bytes.data(), bytes.size())) {
            if (count < 0) break;
            parser_.feed({bytes.data(), static_cast<std::size_t>(count)});
        }
        if (const auto request = parser_.take()) {
            auto [serial, script] = gateway_.accept_request(*request, number_, ++requests_);
            serial_ = serial;
            begin(std::move(script));
        } else if (parser_.error_status() != 0) {
            serial_ = 0;
            begin(script_refusal(parser_.error_status()));
        } else {
            constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";
            if (parser_.take_expects_continue())
                bufferevent_write(socket_.get(), continue_response.data(), continue_response.size());
            return;
        }
    }
}

void SimulatedConnection::begin(AnswerScript script) {
    script_ = std::move(script);
    answering_ = true;
    next_piece_ = 0;
    delay_passed_ = false;
    play();
}

void SimulatedConnection::play() {
    while (socket_ && answering_ && !gateway_.frozen()) {
        if (unsent_bytes() > kMaxUnsent) {
            draining_ = true;
            return;
        }
        if (next_piece_ >= script_.pieces.size() && !(script_.repeat_last && !script_.pieces.empty())) {
            finish();
            return;
        }
        const Piece& piece = script_.pieces[std::min(next_piece_, script_.pieces.size() - 1)];
        if (piece.delay.count() > 0 && !std::exchange(delay_passed_, false)) {
            const timeval delay = libevent::to_timeval(piece.delay);
            event_add(timer_.get(), &delay);
            return;
        }
        bufferevent_write(socket_.get(), piece.bytes.data(), piece.bytes.size());
        ++next_piece_;
    }
}

void SimulatedConnection::finish() {
    if (script_.freezes) gateway_.freeze();
    // Silence does not end the answer; it ends when the client closes the connection.
    if (script_.ending == Ending::silence) return;
    // Recorded before the last bytes are sent, so that a client that has read the answer finds it in the record.
    if (serial_ != 0) gateway_.answered(std::exchange(serial_, 0));
    if (script_.ending == Ending::keep_alive) {
        answering_ = false;
    } else if (unsent_bytes() > 0) {
        draining_ = true;
    } else if (script_.ending == Ending::close) {
        retire();
    } else {
        reset();
    }
}

void SimulatedConnection::retire() {
    if (!socket_) return;
    answering_ = false;
    timer_.reset();
    socket_.reset();
    gateway_.retire(*this);
}

std::size_t SimulatedConnection::unsent_bytes() const {
    return evbuffer_get_length(bufferevent_get_output(socket_.get()));
}

}  // namespace holysheep::inline v0::testing
