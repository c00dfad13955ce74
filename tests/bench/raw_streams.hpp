// Streams with libcurl used directly and efficiently: handles and connections are reused, events are split in place,
// and nlohmann/json reads each of them. There are no protocol checks, no failover and no timers.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stream_script.hpp"

namespace holysheep::bench {

/// One easy handle and the stream it reads.
class RawStream {
  public:
    explicit RawStream(const std::string& base_url);
    RawStream(const RawStream&) = delete;
    RawStream& operator=(const RawStream&) = delete;

    void prepare();
    /// Throws unless the stream was complete.
    void check(CURLcode result, std::size_t chunks);
    CURL* handle() const { return easy_.get(); }
    std::size_t chunks_seen() const { return count_.seen(); }

  private:
    static std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* self);
    void read(std::string_view bytes);
    void on_event(std::string_view event);

    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;
    std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_;
    std::string url_, question_, pending_, answer_, finish_reason_;
    ChunkCount count_;
    bool done_ = false, failed_ = false;
};

/// Reads one stream after the other on one handle.
class RawStreamReader {
  public:
    explicit RawStreamReader(const std::string& base_url) : stream_(base_url) {}
    void read(std::size_t chunks);

  private:
    RawStream stream_;
};

/// Reads several streams at a time with curl_multi_poll.
class RawPolledStreams {
  public:
    RawPolledStreams(const std::string& base_url, std::size_t streams);
    ~RawPolledStreams();
    RawPolledStreams(const RawPolledStreams&) = delete;
    RawPolledStreams& operator=(const RawPolledStreams&) = delete;
    /// Reads one stream on each handle, to its end; returns the number of pieces.
    std::uint64_t read_all(std::size_t chunks);

  private:
    std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
    std::vector<std::unique_ptr<RawStream>> streams_;
};

/// Reads thousands of streams at a time, with curl_multi_socket_action and epoll.
class RawEpollStreams {
  public:
    explicit RawEpollStreams(std::string base_url);
    ~RawEpollStreams();
    RawEpollStreams(const RawEpollStreams&) = delete;
    RawEpollStreams& operator=(const RawEpollStreams&) = delete;

    void start(std::size_t streams);
    /// Waits for sockets once, at most `milliseconds`, and processes their events.
    void run_once(int milliseconds);
    /// The chunks of all streams together.
    std::uint64_t chunks_seen() const;
    std::size_t running() const { return running_; }
    /// Throws unless every stream was complete.
    void check_ended(std::size_t chunks) const;

  private:
    static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* known);
    static int on_timer(CURLM* multi, long milliseconds, void* self);
    void read_messages();

    std::string base_url_;
    std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
    std::vector<std::unique_ptr<RawStream>> streams_;
    std::vector<std::pair<RawStream*, CURLcode>> ended_;
    int epoll_;
    long timeout_ = -1;
    std::size_t running_ = 0;
};

}  // namespace holysheep::bench
