// Calls awaited from a coroutine.
#include <coroutine>
#include <exception>

#include <holysheep/coroutine.hpp>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

struct Task {
    struct promise_type {
        std::promise<std::vector<std::string>> done;
        Task get_return_object() { return {done.get_future()}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_value(std::vector<std::string> value) { done.set_value(std::move(value)); }
        void unhandled_exception() { done.set_exception(std::current_exception()); }
    };
    std::future<std::vector<std::string>> result;
};

Task ask_twice(Client& client) {
    std::vector<std::string> texts;
    const auto request = a_question();
    for (int i = 0; i < 2; ++i) {
        auto reply = co_await chat(client, request);
        texts.push_back(reply ? reply->text() : reply.error().message);
    }
    co_return texts;
}

Task ask_with_options(Client& client) {
    const auto request = a_question();
    CallOptions options;
    options.exclude_regions.emplace_back("us-west");
    auto reply = co_await chat(client, request, options);
    std::vector<std::string> texts;
    texts.push_back(reply ? reply->region : reply.error().message);
    co_return texts;
}

TEST(Coroutine, ResumesWithEachAnswer) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "first").reply("us-west", "second");
    EXPECT_THAT(ask_twice(flow.client).result.get(), ::testing::ElementsAre("first", "second"));
}

TEST(Coroutine, PassesOptionsOn) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.reply("us-west", "here").reply("eu-central", "there");
    EXPECT_THAT(ask_with_options(flow.client).result.get(), ::testing::ElementsAre("eu-central"));
}

TEST(Coroutine, ReturnsTheErrorOfAnInvalidCall) {
    CallFlow flow({"us-west"});
    auto reply = ask_with_options(flow.client).result.get();
    ASSERT_EQ(reply.size(), 1U);
    EXPECT_THAT(reply[0], ::testing::HasSubstr("leaves no region"));
}

}  // namespace
}  // namespace holysheep::flow
