// Parses an event in place if it is complete in the received bytes; only an incomplete event is copied.
#include "raw_streams.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "question.hpp"

namespace holysheep::bench {

namespace {

std::string encode_streamed(const Question& question) {
    const nlohmann::json body{
        {"model", question.model},
        {"messages", nlohmann::json::array({{{"role", "system"}, {"content", question.instructions}},
                                            {{"role", "user"}, {"content", question.text}}})},
        {"temperature", question.temperature},
        {"max_tokens", question.max_tokens},
        {"stream", true}};
    return body.dump();
}

}  // namespace

RawStream::RawStream(const std::string& base_url)
    : easy_(curl_easy_init(), &curl_easy_cleanup),
      headers_(nullptr, &curl_slist_free_all),
      url_(base_url + "/chat/completions") {
    for (const char* line : {"Content-Type: application/json", "Accept: text/event-stream",
                             "Authorization: Bearer sk-benchmark", "Expect:"}) {
        auto* const extended = curl_slist_append(headers_.get(), line);
        if (extended == nullptr) throw std::bad_alloc();
        static_cast<void>(headers_.release());
        headers_.reset(extended);
    }
    auto* easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
    curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &RawStream::on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
}

void RawStream::prepare() {
    question_ = encode_streamed(benchmark_question());
    pending_.clear();
    answer_.clear();
    finish_reason_.clear();
    done_ = failed_ = false;
    curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDS, question_.data());
    curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(question_.size()));
}

void RawStream::check(CURLcode result, std::size_t chunks) {
    if (result != CURLE_OK) throw std::runtime_error(std::string("raw stream: ") + curl_easy_strerror(result));
    if (failed_ || !done_ || finish_reason_ != "stop") throw std::runtime_error("raw stream: it was not whole");
    count_.end(chunks);
}

std::size_t RawStream::on_bytes(char* bytes, std::size_t size, std::size_t count, void* self) {
    auto& stream = *static_cast<RawStream*>(self);
    try {
        stream.read({bytes, size * count});
    } catch (const std::exception&) {
        stream.failed_ = true;
        return 0;
    }
    return size * count;
}

void RawStream::read(std::string_view bytes) {
    if (!pending_.empty()) {
        pending_ += bytes;
        bytes = pending_;
    }
    std::size_t at = 0;
    for (auto end = bytes.find("\n\n"); end != std::string_view::npos; end = bytes.find("\n\n", at)) {
        on_event(bytes.substr(at, end - at));
        at = end + 2;
    }
    if (pending_.empty()) {
        pending_ = bytes.substr(at);
    } else {
        pending_.erase(0, at);
    }
}

void RawStream::on_event(std::string_view event) {
    constexpr std::string_view kPrefix = "data: ";
    if (!event.starts_with(kPrefix)) return;
    event.remove_prefix(kPrefix.size());
    if (event == "[DONE]") {
        done_ = true;
        return;
    }
    const auto json = nlohmann::json::parse(event);
    const auto& choice = json.at("choices").at(0);
    const auto& reason = choice.at("finish_reason");
    if (reason.is_string()) finish_reason_ = reason.get<std::string>();
    const auto& delta = choice.at("delta");
    const auto content = delta.find("content");
    if (content == delta.end()) return;
    const auto& text = content->get_ref<const std::string&>();
    if (text.empty()) return;
    answer_ += text;
    count_.add(text);
}

void RawStreamReader::read(std::size_t chunks) {
    stream_.prepare();
    stream_.check(curl_easy_perform(stream_.handle()), chunks);
}

// ---- curl_multi_poll ----

RawPolledStreams::RawPolledStreams(const std::string& base_url, std::size_t streams)
    : multi_(curl_multi_init(), &curl_multi_cleanup) {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(4 * streams));
    for (std::size_t i = 0; i < streams; ++i) streams_.push_back(std::make_unique<RawStream>(base_url));
}

RawPolledStreams::~RawPolledStreams() {
    for (const auto& stream : streams_) curl_multi_remove_handle(multi_.get(), stream->handle());
}

std::uint64_t RawPolledStreams::read_all(std::size_t chunks) {
    auto* multi = multi_.get();
    for (const auto& stream : streams_) {
        stream->prepare();
        curl_multi_add_handle(multi, stream->handle());
    }
    for (auto left_to_read = streams_.size(); left_to_read > 0;) {
        int running = 0;
        curl_multi_perform(multi, &running);
        int left = 0;
        while (auto* message = curl_multi_info_read(multi, &left)) {
            RawStream* stream = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &stream);
            const auto result = message->data.result;
            curl_multi_remove_handle(multi, stream->handle());
            stream->check(result, chunks);
            --left_to_read;
        }
        if (left_to_read > 0) curl_multi_poll(multi, nullptr, 0, 1'000, nullptr);
    }
    return streams_.size() * chunks;
}

// ---- curl_multi_socket_action ----

RawEpollStreams::RawEpollStreams(std::string base_url)
    : base_url_(std::move(base_url)), multi_(curl_multi_init(), &curl_multi_cleanup), epoll_(::epoll_create1(0)) {
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &RawEpollStreams::on_socket);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &RawEpollStreams::on_timer);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 65'536L);
}

RawEpollStreams::~RawEpollStreams() {
    for (const auto& stream : streams_) curl_multi_remove_handle(multi_.get(), stream->handle());
    multi_.reset();
    ::close(epoll_);
}

void RawEpollStreams::start(std::size_t streams) {
    for (std::size_t i = 0; i < streams; ++i) {
        auto& stream = *streams_.emplace_back(std::make_unique<RawStream>(base_url_));
        stream.prepare();
        curl_multi_add_handle(multi_.get(), stream.handle());
    }
    running_ += streams;
}

void RawEpollStreams::run_once(int milliseconds) {
    std::array<epoll_event, 256> events;
    if (timeout_ >= 0) milliseconds = static_cast<int>(std::min<long>(milliseconds, timeout_));
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), milliseconds);
    int running = 0;
    for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        const int ready = ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 ? CURL_CSELECT_IN : 0) |
                          ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
        curl_multi_socket_action(multi_.get(), event.data.fd, ready, &running);
    }
    if (count <= 0 && timeout_ >= 0) {
        timeout_ = -1;
        curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
    }
    read_messages();
}

void RawEpollStreams::read_messages() {
    int left = 0;
    while (auto* message = curl_multi_info_read(multi_.get(), &left)) {
        RawStream* stream = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &stream);
        const auto result = message->data.result;
        curl_multi_remove_handle(multi_.get(), stream->handle());
        ended_.emplace_back(stream, result);
        --running_;
    }
}

std::uint64_t RawEpollStreams::chunks_seen() const {
    std::uint64_t sum = 0;
    for (const auto& stream : streams_) sum += stream->chunks_seen();
    return sum;
}

void RawEpollStreams::check_ended(std::size_t chunks) const {
    if (ended_.size() != streams_.size()) throw std::runtime_error("raw streams: some have not ended");
    for (const auto& [stream, result] : ended_) stream->check(result, chunks);
}

int RawEpollStreams::on_socket(CURL*, curl_socket_t fd, int what, void* self, void* known) {
    auto& streams = *static_cast<RawEpollStreams*>(self);
    epoll_event event{};
    event.data.fd = fd;
    if (what == CURL_POLL_REMOVE) {
        ::epoll_ctl(streams.epoll_, EPOLL_CTL_DEL, fd, &event);
        return 0;
    }
    if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
    ::epoll_ctl(streams.epoll_, known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    if (known == nullptr) curl_multi_assign(streams.multi_.get(), fd, self);
    return 0;
}

int RawEpollStreams::on_timer(CURLM*, long milliseconds, void* self) {
    static_cast<RawEpollStreams*>(self)->timeout_ = milliseconds;
    return 0;
}

}  // namespace holysheep::bench
