// How a call's answer reaches its caller: as a value, a promise, a callback, or the callbacks of a stream.
#include "client/sinks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "log_lines.hpp"

namespace holysheep::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Callbacks whose executor keeps its functions until the test runs them.
struct HeldCallbacks {
    void run_one() {
        const auto function = std::move(given.front());
        given.pop_front();
        function();
    }
    int waiting() const { return callbacks->waiting_results; }

    LogLines lines;
    std::deque<std::function<void()>> given;
    std::shared_ptr<Callbacks> callbacks = std::make_shared<Callbacks>(
        [this](std::function<void()> function) { given.push_back(std::move(function)); }, lines.log(), false);
};

/// The arguments of a stream's callbacks, in order.
struct StreamEvents {
    std::vector<std::string> seen;
    std::shared_ptr<execution::CallSink> connect(HeldCallbacks& held, const std::string& throws_at = "-") {
        return make_stream_callbacks(
            held.callbacks, nullptr,
            [this, throws_at](const ChatChunk& chunk) {
                seen.emplace_back(chunk.text);
                if (chunk.text == throws_at) throw std::runtime_error("a defect");
            },
            [this](const Result<ChatCompletion>& answer) { seen.push_back(answer ? "done " + answer->id : "failed"); });
    }
};

TEST(CallResults, ConvertToTheResultOfTheirKind) {
    EXPECT_EQ(as_completion(ChatCompletion{.id = "c"}).value().id, "c");
    EXPECT_EQ(as_completion(Error{.message = "m"}).error().message, "m");
    EXPECT_EQ(as_response(RawResponse{.status = 204}).value().status, 204);
    EXPECT_EQ(as_response(Error{.message = "m"}).error().message, "m");
}

TEST(PromiseSink, SetsTheResultOfItsFuture) {
    PromiseSink sink;
    auto future = sink.promise.get_future();
    EXPECT_TRUE(sink.on_chunk({}));
    sink.on_done(ChatCompletion{.id = "c"});
    EXPECT_EQ(future.get().value().id, "c");
}

TEST(CallbackSink, CountsAsWaitingUntilTheExecutorRunsIt) {
    HeldCallbacks held;
    std::string id;
    const auto sink = std::make_shared<CallbackSink>(held.callbacks, [&](auto answer) { id = answer.value().id; });
    sink->on_done(ChatCompletion{.id = "c"});
    EXPECT_EQ(id, "");
    EXPECT_EQ(held.waiting(), 1);
    held.run_one();
    EXPECT_EQ(id, "c");
    EXPECT_EQ(held.waiting(), 0);
}

TEST(CallbackSink, NoLongerCountsAsWaitingWhenItsCallbackThrows) {
    HeldCallbacks held;
    const auto sink =
        std::make_shared<CallbackSink>(held.callbacks, [](const auto&) { throw std::runtime_error("a defect"); });
    sink->on_done(ChatCompletion{});
    held.run_one();
    EXPECT_EQ(held.waiting(), 0);
    EXPECT_THAT(held.lines.all(), ElementsAre("an exception left a callback: a defect"));
}

TEST(CallbackSink, ReportsARefusedCallLaterOrInline) {
    HeldCallbacks held;
    std::vector<std::string> messages;
    const auto keep = [&](const Result<ChatCompletion>& answer) { messages.push_back(answer.error().message); };
    std::make_shared<CallbackSink>(held.callbacks, keep)->refuse({.message = "later"});
    EXPECT_THAT(messages, IsEmpty());
    bool counts_as_callback = false;
    std::make_shared<CallbackSink>(held.callbacks, [&](const Result<ChatCompletion>& answer) {
        keep(answer);
        counts_as_callback = held.callbacks->on_own_thread();
    })->refuse_here({.message = "here"});
    EXPECT_THAT(messages, ElementsAre("here"));
    EXPECT_TRUE(counts_as_callback);
    held.run_one();
    EXPECT_THAT(messages, ElementsAre("here", "later"));
}

TEST(StreamCallbacks, GetEveryEventThenTheResultOnce) {
    HeldCallbacks held;
    StreamEvents events;
    const auto sink = events.connect(held);
    sink->on_chunk({.event = ChunkEvent::content, .text = "a"});
    sink->on_chunk({.event = ChunkEvent::content, .text = "b"});
    EXPECT_EQ(held.given.size(), 1U) << "one task for all waiting events";
    held.run_one();
    EXPECT_THAT(events.seen, ElementsAre("a", "b"));
    EXPECT_EQ(held.waiting(), 0);
    sink->on_done(ChatCompletion{.id = "c"});
    EXPECT_EQ(held.waiting(), 1);
    held.run_one();
    EXPECT_THAT(events.seen, ElementsAre("a", "b", "done c"));
    EXPECT_EQ(held.waiting(), 0);
    EXPECT_THAT(held.given, IsEmpty());
}

TEST(StreamCallbacks, ReadRemainingEventsAfterTheCallReleasedTheStream) {
    HeldCallbacks held;
    StreamEvents events;
    auto sink = events.connect(held);
    sink->on_chunk({.event = ChunkEvent::content, .text = "a"});
    sink->on_done(Error{});
    sink.reset();
    held.run_one();
    EXPECT_THAT(events.seen, ElementsAre("a", "failed"));
}

TEST(StreamCallbacks, GetOnlyTheResultAfterAnException) {
    HeldCallbacks held;
    StreamEvents events;
    const auto sink = events.connect(held, "b");
    for (const auto* text : {"a", "b", "c"}) sink->on_chunk({.event = ChunkEvent::content, .text = text});
    sink->on_done(ChatCompletion{.id = "x"});
    held.run_one();
    EXPECT_THAT(events.seen, ElementsAre("a", "b", "done x"));
    EXPECT_THAT(held.lines.all(), ElementsAre("an exception left a callback: a defect"));
}

TEST(StreamCallbacks, YieldTheExecutorAfter256Events) {
    HeldCallbacks held;
    StreamEvents events;
    const auto sink = events.connect(held);
    for (int i = 0; i < 300; ++i) sink->on_chunk({.event = ChunkEvent::content, .text = "x"});
    held.run_one();
    EXPECT_EQ(events.seen.size(), 256U);
    ASSERT_EQ(held.given.size(), 1U);
    held.run_one();
    EXPECT_EQ(events.seen.size(), 300U);
    EXPECT_THAT(held.given, IsEmpty());
}

}  // namespace
}  // namespace holysheep::client
