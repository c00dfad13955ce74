// Reads blocking; nghttp2 turns bytes into callbacks, and its output is written after each read.
#include "http2_server.hpp"

#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "plain_server.hpp"

namespace holysheep::loopback {

namespace {

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int size, void*) {
    static constexpr std::string_view kKnown{"\x02h2\x08http/1.1"};
    unsigned char* chosen = nullptr;
    const auto* known = reinterpret_cast<const unsigned char*>(kKnown.data());
    if (SSL_select_next_proto(&chosen, out_size, known, static_cast<unsigned>(kKnown.size()), offered, size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

bool write_all(SSL* tls, std::string_view bytes) {
    return bytes.empty() || SSL_write(tls, bytes.data(), static_cast<int>(bytes.size())) > 0;
}

}  // namespace

/// One HTTP/2 connection.
class Http2Server::Session {
  public:
    Session(Http2Server& server, SSL* tls, int connection) : server_(server), tls_(tls), connection_(connection) {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, &Session::on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Session::on_frame);
        nghttp2_session_server_new(&session_, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
    }
    ~Session() { nghttp2_session_del(session_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void run() {
        std::array<unsigned char, 16 * 1024> bytes{};
        while (write_pending()) {
            const int count = SSL_read(tls_, bytes.data(), static_cast<int>(bytes.size()));
            if (count <= 0) return;
            if (nghttp2_session_mem_recv(session_, bytes.data(), static_cast<std::size_t>(count)) < 0) return;
            if (broken_) {
                const linger hard{1, 0};
                ::setsockopt(SSL_get_fd(tls_), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
                SSL_set_quiet_shutdown(tls_, 1);
                return;
            }
            if (gone_away_) {
                write_pending();
                SSL_shutdown(tls_);
                ::shutdown(SSL_get_fd(tls_), SHUT_WR);
                // If the socket were closed with unread data, the kernel would reset the connection and lose the
                // answers.
                while (::recv(SSL_get_fd(tls_), bytes.data(), bytes.size(), 0) > 0) {
                }
                return;
            }
        }
    }

  private:
    bool write_pending() {
        for (;;) {
            const unsigned char* bytes = nullptr;
            const auto size = nghttp2_session_mem_send(session_, &bytes);
            if (size < 0) return false;
            if (size == 0) return true;
            if (!write_all(tls_, {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)})) return false;
        }
    }

    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                         const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
        const std::string_view header(reinterpret_cast<const char*>(name), name_size);
        if (header != "idempotency-key") return 0;
        static_cast<Session*>(self)->names_[frame->hd.stream_id] = {reinterpret_cast<const char*>(value), value_size};
        return 0;
    }

    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
        const bool request = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
        if (request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            static_cast<Session*>(self)->on_request(frame->hd.stream_id);
        }
        return 0;
    }

    void on_request(std::int32_t stream) {
        switch (server_.decide_(connection_, requests_++)) {
            case Reply::answer: answer(stream); break;
            case Reply::refuse:
                nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_REFUSED_STREAM);
                break;
            case Reply::require_http1:
                nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_HTTP_1_1_REQUIRED);
                break;
            case Reply::go_away:
                nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last_, NGHTTP2_NO_ERROR, nullptr, 0);
                for (const auto held : std::exchange(held_, {})) answer(held);
                gone_away_ = true;
                return;
            case Reply::break_connection:
                record_processed(stream);
                broken_ = true;
                break;
            case Reply::hold: held_.push_back(stream); break;
        }
        last_ = stream;
    }

    void record_processed(std::int32_t stream) {
        std::lock_guard lock(server_.mutex_);
        server_.processed_.push_back(names_[stream]);
    }

    void answer(std::int32_t stream) {
        record_processed(stream);
        static const std::string kStatus = "200", kType = "application/json", kText = completion_json("wool");
        const auto header = [](std::string_view name, const std::string& value) {
            const auto bytes = [](std::string_view text) {
                return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
            };
            return nghttp2_nv{bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
        };
        const std::array<nghttp2_nv, 2> headers{header(":status", kStatus), header("content-type", kType)};
        nghttp2_data_provider body{};
        body.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t, std::uint32_t* flags,
                                nghttp2_data_source*, void*) -> ssize_t {
            std::memcpy(buffer, kText.data(), kText.size());
            *flags |= NGHTTP2_DATA_FLAG_EOF;
            return static_cast<ssize_t>(kText.size());
        };
        nghttp2_submit_response(session_, stream, headers.data(), headers.size(), &body);
    }

    Http2Server& server_;
    SSL* tls_;
    const int connection_;
    nghttp2_session* session_ = nullptr;
    int requests_ = 0;
    std::int32_t last_ = 0;
    std::map<std::int32_t, std::string> names_;
    std::vector<std::int32_t> held_;
    bool gone_away_ = false, broken_ = false;
};

Http2Server::Http2Server(const std::string& certificate, const std::string& key, Decide decide)
    : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free),
      decide_(std::move(decide)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (SSL_CTX_use_certificate_chain_file(context_.get(), certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
        throw std::runtime_error("no certificate: " + certificate);
    }
    SSL_CTX_set_alpn_select_cb(context_.get(), &choose_protocol, nullptr);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::runtime_error("no port to listen on");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this] { accept_all(); });
}

Http2Server::~Http2Server() {
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

Region Http2Server::region(std::string id) const {
    return {.id = std::move(id), .base_url = "https://127.0.0.1:" + std::to_string(port_) + "/v1"};
}

std::vector<std::string> Http2Server::processed() const {
    std::lock_guard lock(mutex_);
    return processed_;
}

void Http2Server::accept_all() {
    for (;;) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) return;
        std::lock_guard lock(mutex_);
        if (closing_) {
            ::close(socket);
            return;
        }
        sockets_.push_back(socket);
        threads_.emplace_back([this, socket, number = connections_++] { serve_connection(socket, number); });
    }
}

void Http2Server::serve_connection(int socket, int connection) {
    // OpenSSL writes without MSG_NOSIGNAL. SIGPIPE is blocked in this thread only: the client must not need that.
    sigset_t broken_pipe;
    ::sigemptyset(&broken_pipe);
    ::sigaddset(&broken_pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    const std::unique_ptr<SSL, void (*)(SSL*)> tls(SSL_new(context_.get()), &SSL_free);
    SSL_set_fd(tls.get(), socket);
    if (SSL_accept(tls.get()) == 1) {
        const unsigned char* protocol = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(tls.get(), &protocol, &size);
        if (size == 2) {
            Session(*this, tls.get(), connection).run();
        } else {
            serve_http1(tls.get());
        }
    }
    std::lock_guard lock(mutex_);
    std::erase(sockets_, socket);
    ::close(socket);
}

void Http2Server::serve_http1(SSL* tls) {
    std::string request;
    std::array<char, 16 * 1024> bytes{};
    for (;;) {
        const int count = SSL_read(tls, bytes.data(), static_cast<int>(bytes.size()));
        if (count <= 0) return;
        request.append(bytes.data(), static_cast<std::size_t>(count));
        const auto head_end = request.find("\r\n\r\n");
        if (head_end == std::string::npos) continue;
        if (request.size() < head_end + 4 + std::stoul("0" + header_of(request, "content-length"))) continue;
        {
            std::lock_guard lock(mutex_);
            processed_.push_back(header_of(request, "idempotency-key"));
        }
        ++http1_requests_;
        if (!write_all(tls, http_answer("200 OK", "Content-Type: application/json\r\n", completion_json("wool"))))
            return;
        request.clear();
    }
}

}  // namespace holysheep::loopback
