// A client in a child process after fork(): its threads do not exist there, so it refuses calls but can be destroyed.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "gateway_under_test.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;

/// Runs in a child process; the exit status is the number of failed checks. An alarm ends a child that hangs.
template <class Function>
int in_child(Function function) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20);
        ::_exit(function());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#if defined(__SANITIZE_THREAD__)
#define HOLYSHEEP_SKIP_WHERE_A_CHILD_HAS_NO_THREADS() GTEST_SKIP() << "ThreadSanitizer allows a child no threads"
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOLYSHEEP_SKIP_WHERE_A_CHILD_HAS_NO_THREADS() GTEST_SKIP() << "ThreadSanitizer allows a child no threads"
#endif
#endif
#ifndef HOLYSHEEP_SKIP_WHERE_A_CHILD_HAS_NO_THREADS
#define HOLYSHEEP_SKIP_WHERE_A_CHILD_HAS_NO_THREADS() static_assert(true)
#endif

template <class Value>
bool refused(const Result<Value>& result) {
    return !result && result.error().code == ErrorCode::invalid_request &&
           result.error().message.find("fork()") != std::string::npos;
}

class Fork : public TwoRegions {
  protected:
    std::optional<Client> client{std::in_place, options};
};

TEST_F(Fork, BlockingCallsAreRefusedInTheChild) {
    ASSERT_THAT(client->chat(question()), IsOk());
    EXPECT_EQ(in_child([&] {
                  int failures = 0;
                  failures += refused(client->chat(question())) ? 0 : 1;
                  failures += refused(client->stream(question()).finish()) ? 0 : 1;
                  failures += refused(client->chat_async(question()).get()) ? 0 : 1;
                  failures += refused(client->models()) ? 0 : 1;
                  failures += refused(client->verify_key()) ? 0 : 1;
                  failures += refused(client->request({.path = "/models"})) ? 0 : 1;
                  failures += refused(client->warm_up({.deadline = 1s})) ? 0 : 1;
                  client->drain("us-west");
                  client->resume("us-west");
                  (void)client->stats();
                  return failures;
              }),
              0);
    EXPECT_EQ(gateway.requests("us-west"), 1u);
}

TEST_F(Fork, CallbacksRunInTheChild) {
    HOLYSHEEP_SKIP_WHERE_A_CHILD_HAS_NO_THREADS();
    EXPECT_EQ(in_child([&] {
                  Counter callbacks;
                  int failures = 0;
                  client->chat_async(question(), {}, [&](const Result<ChatCompletion>& answer) {
                      failures += refused(answer) ? 0 : 1;
                      callbacks.add();
                  });
                  client->stream_async(
                      question(), {}, [](const ChatChunk&) {},
                      [&](const Result<ChatCompletion>& answer) {
                          failures += refused(answer) ? 0 : 1;
                          callbacks.add();
                      });
                  return callbacks.wait_for(2, 10s) ? failures : 100;
              }),
              0);
}

TEST_F(Fork, TheChildMayDestroyInheritedObjects) {
    gateway.set_stream("us-west", 30, 20ms);
    std::optional<ChatStream> stream(client->stream(question()));
    ASSERT_NE(stream->begin(), stream->end());
    EXPECT_EQ(in_child([&] {
                  stream.reset();
                  client.reset();
                  return 0;
              }),
              0);
    EXPECT_THAT(stream->finish(), IsOk()) << "the child interrupted the parent's stream";
}

TEST_F(Fork, TheParentContinues) {
    for (int i = 0; i < 5; ++i) {
        ASSERT_THAT(client->chat(question()), IsOk());
        EXPECT_EQ(in_child([&] {
                      client.reset();
                      return 0;
                  }),
                  0);
        ASSERT_THAT(client->stream(question()).finish(), IsOk());
    }
    EXPECT_EQ(gateway.connections("us-west"), 1u) << "the child closed the parent's connection";
}

TEST_F(Fork, TheChildMayCreateItsOwnClient) {
    HOLYSHEEP_SKIP_WHERE_A_CHILD_HAS_NO_THREADS();
    ASSERT_THAT(client->chat(question()), IsOk());
    EXPECT_EQ(in_child([&] {
                  Client own(options);
                  return own.chat(question()) ? 0 : 1;
              }),
              0);
    ASSERT_THAT(client->chat(question()), IsOk());
    EXPECT_EQ(gateway.connections("us-west"), 2u);
}

}  // namespace
