// In a child process after fork(), a client of the parent refuses calls instead of waiting for threads that do not
// exist.
#include <sys/wait.h>
#include <unistd.h>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

/// Returns the number of checks that failed in a child; 255 if it did not exit by itself.
template <class Function>
int failures_in_child(Function function) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(function());
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 255;
    return WEXITSTATUS(status);
}

TEST(Fork, EveryCallIsRefusedInTheChild) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    ASSERT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(failures_in_child([&] {
                  int failures = 0;
                  const auto expect_refused = [&](const auto& result) {
                      if (result || result.error().code != ErrorCode::invalid_request) ++failures;
                      if (!result && result.error().message.find("fork") == std::string::npos) ++failures;
                  };
                  expect_refused(flow.client.chat(a_question()));
                  expect_refused(flow.client.chat_async(a_question()).get());
                  expect_refused(flow.client.stream(a_question()).finish());
                  expect_refused(flow.client.models());
                  expect_refused(flow.client.verify_key());
                  expect_refused(flow.client.request({.path = "/models"}));
                  expect_refused(flow.client.warm_up({.deadline = milliseconds(1)}));
                  int callbacks = 0;
                  flow.client.chat_async(a_question(), {}, [&](const auto& result) {
                      expect_refused(result);
                      ++callbacks;
                  });
                  flow.client.stream_async(
                      a_question(), {}, [](const ChatChunk&) {},
                      [&](const auto& result) {
                          expect_refused(result);
                          ++callbacks;
                      });
                  if (callbacks != 2) ++failures;
                  flow.client.drain("us-west");
                  flow.client.resume("us-west");
                  if (flow.client.stats().calls != 1) ++failures;
                  return failures;
              }),
              0);
    EXPECT_THAT(flow.client.chat(a_question()), IsOk()) << "the parent's client still works";
}

TEST(Fork, TheParentsClientCanBeDestroyedInTheChild) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.hang("us-west");
    auto answer = flow.client.chat_async(a_question());
    EXPECT_EQ(failures_in_child([&] {
                  { const Client last = std::move(flow.client); }
                  return 0;
              }),
              0);
    EXPECT_FALSE(is_ready(answer));
}

TEST(Fork, ANewClientWorksInTheChild) {
    CallFlow parent({"us-west"});
    EXPECT_EQ(failures_in_child([] {
                  CallFlow child({"us-west"});
                  child.transport.reply("us-west", "hello");
                  return child.client.chat(a_question()) ? 0 : 1;
              }),
              0);
}

}  // namespace
}  // namespace holysheep::flow
