// Puts the same load on the library as on the raw client, in each of the ways in which programs use it.
#pragma once

#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include <holysheep/holysheep.hpp>

#include "raw_client.hpp"

namespace holysheep::bench {

/// Default options for a client of one region.
ClientOptions options_for(const RawTarget& target);
/// Copies the question into a request, as a program with a new question each time would.
ChatRequest make_request();
/// Throws if the answer is not the expected one.
void check(const Result<ChatCompletion>& answer);

/// Keeps a number of `chat_async` calls in flight; each callback sends the next question.
class AsyncLoad {
  public:
    AsyncLoad(ClientOptions options, int in_flight) : in_flight_(in_flight), client_(std::move(options)) {}
    std::uint64_t run_until(TimePoint end);

  private:
    void ask();
    void on_answer(const Result<ChatCompletion>& answer);

    const int in_flight_;
    TimePoint end_{};
    std::atomic<std::uint64_t> answered_{0};
    std::atomic<int> running_{0};
    std::atomic<bool> failed_{false};
    Client client_;  // declared last: its destructor ends the callbacks that use the members above
};

/// Threads that call `chat`. They are created once, and sleep outside of `run_until`.
class ThreadedLoad {
  public:
    ThreadedLoad(ClientOptions options, int threads);
    ~ThreadedLoad();
    ThreadedLoad(const ThreadedLoad&) = delete;
    ThreadedLoad& operator=(const ThreadedLoad&) = delete;
    std::uint64_t run_until(TimePoint end);

  private:
    void work();

    Client client_;
    std::barrier<> gate_;  // opens to start a round, and again at its end
    TimePoint end_{};      // written and read on different sides of the gate
    bool stop_ = false;    // like end_
    std::atomic<std::uint64_t> answered_{0};
    std::atomic<bool> failed_{false};
    std::vector<std::jthread> threads_;
};

/// One thread, one call at a time.
class SingleLoad {
  public:
    explicit SingleLoad(ClientOptions options) : client_(std::move(options)) {}
    void ask() { check(client_.chat(make_request())); }

  private:
    Client client_;
};

}  // namespace holysheep::bench
