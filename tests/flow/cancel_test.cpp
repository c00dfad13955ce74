// Cancelling takes effect at once in every phase of a call, on the wire too.
#include <stop_token>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

struct StoppableCall {
    CallFlow flow;
    std::stop_source stop{};
    std::future<Result<ChatCompletion>> answer{};

    explicit StoppableCall(const std::vector<std::string>& regions, ClientOptions options = {})
        : flow(regions, std::move(options), CallFlow::kManual) {}
    void begin() { answer = flow.client.chat_async(a_question(), {.stop = stop.get_token()}); }
    /// Cancels, without letting time pass.
    void expect_cancelled_at_once() {
        ASSERT_FALSE(is_ready(answer));
        stop.request_stop();
        ASSERT_TRUE(is_ready(answer));
        EXPECT_THAT(answer.get(), FailsWith(ErrorCode::cancelled));
        EXPECT_EQ(flow.transport.open_transfers(), 0U);
        EXPECT_EQ(flow.clock.pending_timers(), 0U);
        EXPECT_EQ(flow.client.stats().cancelled, 1U);
        EXPECT_EQ(flow.client.stats().failed, 0U);
    }
};

TEST(Cancel, BeforeTheCallSendsNothing) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello");
    std::stop_source stop;
    stop.request_stop();
    const auto reply = flow.client.chat(a_question(), {.stop = stop.get_token()});
    ASSERT_THAT(reply, FailsWith(ErrorCode::cancelled));
    EXPECT_THAT(reply.error().attempts, IsEmpty());
    EXPECT_THAT(flow.attempts(), IsEmpty());
    EXPECT_FALSE(reply.error().is_retryable());
}

TEST(Cancel, WhileConnecting) {
    StoppableCall call({"us-west"});
    call.flow.transport.never_connects("us-west");
    call.begin();
    call.expect_cancelled_at_once();
}

TEST(Cancel, WhileTwoConnectionsRace) {
    StoppableCall call({"us-west", "eu-central"});
    call.flow.transport.never_connects("us-west").never_connects("eu-central");
    call.begin();
    call.flow.clock.advance(1s);
    EXPECT_THAT(call.flow.attempts(), SizeIs(2));
    call.expect_cancelled_at_once();
}

TEST(Cancel, WhileWaitingForTheAnswer) {
    StoppableCall call({"us-west", "eu-central"});
    call.flow.transport.hang("us-west");
    call.begin();
    call.flow.clock.advance(1s);
    call.expect_cancelled_at_once();
    EXPECT_THAT(call.flow.attempts(), SizeIs(1)) << "a cancelled call does not move on";
}

TEST(Cancel, DuringBackOff) {
    StoppableCall call({"us-west"});
    call.flow.transport.reply_raw(
        "us-west", 429,
        {{"Retry-After", "30"}, {"x-ratelimit-limit-requests", "10"}, {"x-ratelimit-remaining-requests", "0"}}, "");
    call.begin();
    call.flow.clock.advance(2s);
    call.expect_cancelled_at_once();
    call.flow.clock.advance(1min);
    EXPECT_THAT(call.flow.attempts(), SizeIs(1));
}

TEST(Cancel, WhileWaitingForAPausedRegion) {
    StoppableCall call({"us-west"});
    call.flow.transport.reply_raw("us-west", 429, {{"Retry-After", "30"}}, "");
    auto first = call.flow.client.chat_async(a_question(), {.retry = RetryOptions{.max_attempts = 1}});
    EXPECT_THAT(first.get(), FailsWith(ErrorCode::rate_limited));
    call.begin();
    ASSERT_FALSE(is_ready(call.answer));
    call.stop.request_stop();
    ASSERT_TRUE(is_ready(call.answer));
    EXPECT_THAT(call.answer.get(), FailsWith(ErrorCode::cancelled));
    EXPECT_THAT(call.flow.attempts(), SizeIs(1));
}

TEST(Cancel, DuringAStream) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.stream_stall("us-west", {"Me"});
    std::stop_source stop;
    auto stream = flow.client.stream(a_question(), {.stop = stop.get_token()});
    stop.request_stop();
    EXPECT_EQ(flow.transport.open_transfers(), 0U);
    const auto answer = stream.finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::cancelled));
    ASSERT_TRUE(answer.error().partial);
    EXPECT_EQ(answer.error().partial->text(), "Me");
}

TEST(Cancel, AfterTheEndHasNoEffect) {
    StoppableCall call({"us-west"});
    call.flow.transport.reply("us-west", "hello");
    call.begin();
    EXPECT_THAT(call.answer.get(), IsOk());
    call.stop.request_stop();
    EXPECT_EQ(call.flow.client.stats().cancelled, 0U);
    EXPECT_EQ(call.flow.client.stats().succeeded, 1U);
}

TEST(Cancel, OneTokenStopsManyCalls) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.hang("us-west");
    std::stop_source stop;
    std::vector<std::future<Result<ChatCompletion>>> answers;
    for (int i = 0; i < 100; ++i) answers.push_back(flow.client.chat_async(a_question(), {.stop = stop.get_token()}));
    stop.request_stop();
    for (auto& answer : answers) ASSERT_THAT(answer.get(), FailsWith(ErrorCode::cancelled));
    EXPECT_EQ(flow.transport.open_transfers(), 0U);
}

TEST(Cancel, FromAnotherThreadDuringABlockingCall) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.hang("us-west");
    std::stop_source stop;
    std::jthread canceller([&] {
        while (flow.transport.open_transfers() == 0) std::this_thread::yield();
        stop.request_stop();
    });
    EXPECT_THAT(flow.client.chat(a_question(), {.stop = stop.get_token()}), FailsWith(ErrorCode::cancelled));
}

TEST(Cancel, ThroughTheStream) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.stream_stall("us-west", {"Me"});
    auto stream = flow.client.stream(a_question());
    stream.cancel();
    EXPECT_EQ(flow.transport.open_transfers(), 0U);
    EXPECT_THAT(stream.finish(), FailsWith(ErrorCode::cancelled));
}

TEST(Cancel, DestroyingAStreamCancelsItsTransfer) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.stream_stall("us-west", {"Me"});
    { const auto dropped = flow.client.stream(a_question()); }
    EXPECT_TRUE(flow.transport.requests()[0].cancelled);
    EXPECT_EQ(flow.client.stats().cancelled, 1U);
}

TEST(Cancel, AssigningOverAStreamCancelsTheOldOne) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.stream_stall("us-west", {"Me"});
    auto stream = flow.client.stream(a_question());
    stream = flow.client.stream(a_question());
    EXPECT_TRUE(flow.transport.requests()[0].cancelled);
    EXPECT_FALSE(flow.transport.requests()[1].cancelled);
}

TEST(Cancel, AStreamThatOutlivesItsClientIsCancelled) {
    std::optional<ChatStream> stream;
    {
        CallFlow flow({"us-west"}, {}, CallFlow::kManual);
        flow.transport.stream_stall("us-west", {"Me"});
        stream = flow.client.stream(a_question());
    }
    EXPECT_THAT(stream->finish(), FailsWith(ErrorCode::cancelled));
    stream->cancel();
}

TEST(Cancel, DestroyingTheClientCancelsEverythingInFlight) {
    std::future<Result<ChatCompletion>> hanging;
    std::future<Result<ChatCompletion>> waiting;
    {
        CallFlow flow({"us-west", "eu-central"}, {}, CallFlow::kManual);
        flow.transport.hang("us-west").reply_raw("eu-central", 429, {{"Retry-After", "30"}}, "");
        hanging = flow.client.chat_async(a_question());
        waiting = flow.client.chat_async(a_question(), {.regions = {"eu-central"}});
        EXPECT_FALSE(is_ready(hanging));
        EXPECT_FALSE(is_ready(waiting));
    }
    EXPECT_THAT(hanging.get(), FailsWith(ErrorCode::cancelled));
    EXPECT_THAT(waiting.get(), FailsWith(ErrorCode::cancelled));
}

TEST(Cancel, AMovedClientContinuesItsCalls) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.reply("us-west", "hello", {.first_byte = 1s});
    auto answer = flow.client.chat_async(a_question());
    Client moved = std::move(flow.client);
    flow.clock.advance(1s);
    EXPECT_THAT(answer.get(), IsOk());
    flow.client = std::move(moved);
    auto again = flow.client.chat_async(a_question());
    flow.clock.advance(1s);
    EXPECT_THAT(again.get(), IsOk());
}

}  // namespace
}  // namespace holysheep::flow
