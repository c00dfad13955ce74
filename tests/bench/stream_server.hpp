// A server in a separate process that streams as the URL asks: in one burst, or a piece at a time at a steady rate.
#pragma once

#include <sys/types.h>

#include <atomic>

namespace holysheep::bench {

class StreamServer {
  public:
    /// Forks, so it must be called before the first thread starts.
    StreamServer();
    /// Ends the server's process.
    ~StreamServer();
    StreamServer(const StreamServer&) = delete;
    StreamServer& operator=(const StreamServer&) = delete;

    int port() const { return port_; }
    /// Starts the waiting streams, those of `count` connections spread evenly over one period; later streams have to
    /// wait.
    void open_gate(unsigned count) const { shared_->opened.store(count); }
    void close_gate() const { shared_->opened.store(0); }
    /// The number of streams that wait for the gate.
    unsigned waiting() const { return shared_->waiting.load(); }

    struct Shared {
        std::atomic<unsigned> opened{0}, waiting{0};
    };

  private:
    Shared* shared_;
    int port_ = 0;
    pid_t process_ = 0;
};

}  // namespace holysheep::bench
