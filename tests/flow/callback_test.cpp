// Asynchronous forms: on which thread and how often callbacks run, and what happens when one misbehaves.
#include <atomic>
#include <stdexcept>
#include <thread>

#include "call_flow.hpp"
#include "thread_pool.hpp"

namespace holysheep::flow {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Callbacks, AFutureHoldsTheAnswer) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    auto answer = flow.client.chat_async(a_question());
    EXPECT_EQ(answer.get()->text(), "hello");
    EXPECT_THAT(flow.client.chat_async(a_question(), {.regions = {"mars"}}).get(),
                FailsWith(ErrorCode::invalid_options));
}

TEST(Callbacks, RunOnOneThreadOfTheClient) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    std::vector<std::thread::id> threads;
    for (int i = 0; i < 3; ++i) {
        std::promise<std::thread::id> ran;
        flow.client.chat_async(a_question(), {}, [&](const Result<ChatCompletion>& result) {
            EXPECT_THAT(result, IsOk());
            ran.set_value(std::this_thread::get_id());
        });
        threads.push_back(wait_for_result(ran));
    }
    EXPECT_NE(threads[0], std::this_thread::get_id());
    EXPECT_EQ(threads[0], threads[1]);
    EXPECT_EQ(threads[1], threads[2]);
}

TEST(Callbacks, RunOnTheCallbackExecutor) {
    std::vector<std::function<void()>> queue;
    CallFlow flow({"us-west"}, {.callback_executor = [&](auto function) { queue.push_back(std::move(function)); }});
    flow.transport.reply("us-west", "hello");
    int done = 0;
    flow.client.chat_async(a_question(), {}, [&](const Result<ChatCompletion>&) { ++done; });
    EXPECT_EQ(done, 0);
    ASSERT_EQ(queue.size(), 1U);
    queue[0]();
    EXPECT_EQ(done, 1);
}

TEST(Callbacks, AnInvalidRequestIsReportedToTheCallback) {
    CallFlow flow({"us-west"}, {.callback_executor = run_inline});
    int done = 0;
    const auto expect_refused = [&](const Result<ChatCompletion>& result) {
        EXPECT_THAT(result, FailsWith(ErrorCode::invalid_options));
        ++done;
    };
    flow.client.chat_async(a_question(), {.regions = {"mars"}}, expect_refused);
    flow.client.stream_async(
        a_question(), {.regions = {"mars"}}, [](const ChatChunk&) { FAIL(); }, expect_refused);
    EXPECT_EQ(done, 2);
}

TEST(Callbacks, AnExceptionIsLoggedAndAffectsNoOtherCall) {
    CallFlow flow({"us-west"}, {.callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    flow.client.chat_async(a_question(), {}, [](const Result<ChatCompletion>&) { throw std::runtime_error("oops"); });
    flow.client.chat_async(a_question(), {}, [](const Result<ChatCompletion>&) { throw 42; });
    EXPECT_THAT(flow.log(), ElementsAre(HasSubstr("oops"), HasSubstr("exception")));
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
}

TEST(Callbacks, AnExceptionFromOnChunkCancelsTheStreamAndOnDoneStillRuns) {
    CallFlow flow({"us-west"}, {.callback_executor = run_inline}, CallFlow::kManual);
    flow.transport.stream_stall("us-west", {"a"});
    int done = 0;
    flow.client.stream_async(
        a_question(), {}, [](const ChatChunk&) { throw std::runtime_error("oops"); },
        [&](const Result<ChatCompletion>& result) {
            EXPECT_THAT(result, FailsWith(ErrorCode::cancelled));
            ++done;
        });
    EXPECT_EQ(done, 1);
    EXPECT_THAT(flow.log(), Contains(HasSubstr("oops")));
    EXPECT_EQ(flow.transport.open_transfers(), 0U);
}

TEST(Callbacks, ABlockingCallFromACallbackIsRefused) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    std::promise<void> finished;
    flow.client.chat_async(a_question(), {}, [&](const Result<ChatCompletion>&) {
        EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(flow.client.models(), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(flow.client.request({.path = "/models"}), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(flow.client.verify_key(), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(flow.client.warm_up({.deadline = 1s}), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(flow.client.stream(a_question()).finish(), FailsWith(ErrorCode::invalid_request));
        EXPECT_THAT(flow.client.stream_to(a_question(), [](const ChatChunk&) {}),
                    FailsWith(ErrorCode::invalid_request));
        finished.set_value();
    });
    wait_for_result(finished);
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
}

TEST(Callbacks, ABlockingCallFromAnInlineCallbackIsRefused) {
    CallFlow flow({"us-west"}, {.callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    std::optional<ErrorCode> refused;
    flow.client.chat_async(a_question(), {}, [&](const Result<ChatCompletion>&) {
        const auto inner = flow.client.chat(a_question());
        if (!inner) refused = inner.error().code;
    });
    EXPECT_EQ(refused, ErrorCode::invalid_request);
}

TEST(Callbacks, AnAsynchronousCallFromACallbackIsAllowed) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    std::promise<std::string> second;
    flow.client.chat_async(a_question(), {}, [&](const Result<ChatCompletion>&) {
        flow.client.chat_async(a_question(), {},
                               [&](const Result<ChatCompletion>& result) { second.set_value(result->text()); });
    });
    EXPECT_EQ(wait_for_result(second), "hello");
}

TEST(Callbacks, AClientMayBeDestroyedWithinItsOwnCallback) {
    std::promise<void> transport_destroyed;
    const auto clock = std::make_shared<FakeClock>(FakeClock::Mode::automatic);
    auto* fake = new FakeTransport(*clock);
    fake->reply("us-west", "hello").hang("eu-central");
    // The transport is destroyed with the last part of the client.
    std::shared_ptr<Transport> transport(fake, [&](Transport* last) {
        delete last;
        transport_destroyed.set_value();
    });
    auto client = std::make_unique<Client>(ClientOptions{.api_key = "k",
                                                         .regions = FakeTransport::regions({"us-west"}),
                                                         .transport = std::move(transport),
                                                         .clock = clock});
    std::promise<void> ran;
    client->chat_async(a_question(), {}, [&](const Result<ChatCompletion>&) {
        client.reset();
        ran.set_value();
    });
    wait_for_result(ran);
    wait_for_result(transport_destroyed);
    EXPECT_EQ(clock->pending_timers(), 0U);
}

TEST(Callbacks, OnDoneRunsOnceAfterTheLastChunkWhenTheClientIsDestroyed) {
    std::vector<std::string> order;
    {
        CallFlow flow({"us-west"}, {}, CallFlow::kManual);
        flow.transport.stream_stall("us-west", {"a", "b"});
        flow.client.stream_async(
            a_question(), {}, [&](const ChatChunk& chunk) { order.push_back(describe(chunk)); },
            [&](const Result<ChatCompletion>& result) {
                EXPECT_THAT(result, FailsWith(ErrorCode::cancelled));
                order.emplace_back("done");
            });
    }
    EXPECT_THAT(order, ElementsAre("started", "content:a", "content:b", "done"));
}

// Counts the callbacks of one stream that run at the same time, and those that come after its result.
struct WatchedStream {
    std::atomic<int> running{0}, done{0};
    std::atomic<bool> overlapped{false}, after_result{false};

    void enter() {
        if (running.fetch_add(1) != 0) overlapped = true;
        if (done != 0) after_result = true;
    }
    void leave() { --running; }
};

TEST(Callbacks, OfOneStreamRunInOrderOnAMultithreadedExecutor) {
    constexpr int kStreams = 500;
    std::vector<WatchedStream> streams(kStreams);
    std::atomic<int> done{0};
    {
        ThreadPool pool(3);
        CallFlow flow({"us-west"}, {.callback_executor = pool.executor()});
        flow.transport.stream("us-west", {"a", "b", "c"});
        for (auto& stream : streams) {
            flow.client.stream_async(
                a_question(), {},
                [&](const ChatChunk&) {
                    stream.enter();
                    std::this_thread::yield();
                    stream.leave();
                },
                [&](const Result<ChatCompletion>&) {
                    stream.enter();
                    ++stream.done;
                    ++done;
                    stream.leave();
                });
        }
    }
    EXPECT_EQ(done, kStreams);
    for (const auto& stream : streams) {
        ASSERT_EQ(stream.done, 1);
        ASSERT_FALSE(stream.overlapped);
        ASSERT_FALSE(stream.after_result);
    }
}

TEST(Callbacks, CapturesAreReleasedWithTheCall) {
    const auto captured = std::make_shared<int>(1);
    CallFlow flow({"us-west"}, {.callback_executor = run_inline});
    flow.transport.stream("us-west", {"a"});
    flow.client.chat_async(a_question(), {}, [captured](const Result<ChatCompletion>&) {});
    flow.client.stream_async(
        a_question(), {}, [captured](const ChatChunk&) {}, [captured](const Result<ChatCompletion>&) {});
    EXPECT_EQ(captured.use_count(), 1);
}

TEST(Callbacks, ManyThreadsShareOneClient) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::transport_failed).reply("eu-central", "hello");
    std::atomic<int> ok{0};
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 50; ++i) ok += flow.client.chat(a_question()).has_value() ? 1 : 0;
            });
        }
    }
    EXPECT_EQ(ok, 200);
    EXPECT_EQ(flow.client.stats().succeeded, 200U);
}

}  // namespace
}  // namespace holysheep::flow
