// The records that listeners get, and the numbers in the statistics.
#include <stdexcept>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

struct RecordingListener final : EventListener {
    std::vector<std::string>* order;
    std::vector<CallRecord> calls{};
    explicit RecordingListener(std::vector<std::string>* where) : order(where) {}
    void on_attempt(const AttemptRecord& attempt) override { order->push_back("attempt " + attempt.region); }
    void on_call(const CallRecord& call) override {
        order->emplace_back("call");
        calls.push_back(call);
    }
};

struct ThrowingListener final : EventListener {
    void on_call(const CallRecord&) override { throw std::runtime_error("a listener threw"); }
};

struct ListenerFlow {
    std::vector<std::string> order{};
    std::shared_ptr<RecordingListener> listener = std::make_shared<RecordingListener>(&order);
    CallFlow flow;
    explicit ListenerFlow(const std::vector<std::string>& regions)
        : flow(regions, {.listeners = {listener}, .callback_executor = run_inline}) {}
};

TEST(Listeners, GetTheAttemptsThenTheCallBeforeTheCallback) {
    ListenerFlow setup({"us-west", "eu-central"});
    setup.flow.transport.fail("us-west", ErrorCode::transport_failed).reply("eu-central", "hello");
    setup.flow.client.chat_async(a_question(), {},
                                 [&](const Result<ChatCompletion>&) { setup.order.emplace_back("callback"); });
    EXPECT_THAT(setup.order, ElementsAre("attempt us-west", "attempt eu-central", "call", "callback"));
}

TEST(Listeners, GetTheFullRecordOfASuccess) {
    ListenerFlow setup({"us-west", "eu-central"});
    setup.flow.transport.reply_raw("us-west", 503, {}, "", {.first_byte = 100ms})
        .reply("eu-central", "hello", {.first_byte = 300ms});
    ASSERT_THAT(setup.flow.client.chat(a_question(), {.label = "nightly"}), IsOk());
    ASSERT_THAT(setup.listener->calls, SizeIs(1));
    const auto& call = setup.listener->calls[0];
    EXPECT_EQ(call.label, "nightly");
    EXPECT_EQ(call.requested_model, "gpt-4.1");
    EXPECT_EQ(call.model, "gpt-4.1");
    EXPECT_EQ(call.region, "eu-central");
    EXPECT_EQ(call.error, std::nullopt);
    EXPECT_THAT(call.attempts, SizeIs(2));
    EXPECT_TRUE(call.usage.present);
    EXPECT_EQ(call.queued, 0ns);
    EXPECT_EQ(call.total, 400ms);
    EXPECT_EQ(call.operation, "chat");
    EXPECT_FALSE(call.stream);
    EXPECT_THAT(call.response_id, Not(IsEmpty()));
    EXPECT_THAT(call.finish_reasons, ElementsAre("stop"));
    EXPECT_EQ(call.attempts[0].server, "us-west.test");
    EXPECT_EQ(call.attempts[1].server, "eu-central.test");
}

TEST(Listeners, GetTheRecordOfAFailure) {
    ListenerFlow setup({"us-west"});
    setup.flow.transport.reply_raw("us-west", 400, {}, "");
    EXPECT_FALSE(setup.flow.client.chat(a_question()));
    ASSERT_THAT(setup.listener->calls, SizeIs(1));
    EXPECT_EQ(setup.listener->calls[0].error, ErrorCode::invalid_request);
    EXPECT_EQ(setup.listener->calls[0].region, "us-west");
    EXPECT_THAT(setup.listener->calls[0].attempts, SizeIs(1));
}

TEST(Listeners, AWaitBeforeTheFirstAttemptIsReportedAsQueued) {
    ListenerFlow setup({"us-west"});
    setup.flow.transport
        .reply_raw(
            "us-west", 429,
            {{"Retry-After", "9"}, {"x-ratelimit-limit-requests", "10"}, {"x-ratelimit-remaining-requests", "0"}}, "")
        .reply("us-west", "hello");
    EXPECT_FALSE(setup.flow.client.chat(a_question(), {.retry = RetryOptions{.max_attempts = 1}}));
    EXPECT_THAT(setup.flow.client.chat(a_question()), IsOk());
    ASSERT_THAT(setup.listener->calls, SizeIs(2));
    EXPECT_EQ(setup.listener->calls[1].queued, 9s);
}

TEST(Listeners, GetStreamsCancellationsAndOtherEndpoints) {
    ListenerFlow setup({"us-west"});
    setup.flow.transport.stream("us-west", {"a"});
    EXPECT_THAT(setup.flow.client.stream(a_question()).finish(), IsOk());
    EXPECT_THAT(setup.flow.client.models(), IsOk());
    std::stop_source stop;
    stop.request_stop();
    EXPECT_FALSE(setup.flow.client.chat(a_question(), {.stop = stop.get_token()}));
    ASSERT_THAT(setup.listener->calls, SizeIs(3));
    EXPECT_EQ(setup.listener->calls[0].region, "us-west");
    EXPECT_EQ(setup.listener->calls[1].region, "us-west");
    EXPECT_EQ(setup.listener->calls[2].error, ErrorCode::cancelled);
    EXPECT_TRUE(setup.listener->calls[0].stream);
    EXPECT_EQ(setup.listener->calls[1].operation, "") << "listing models is not an operation of a model";
    EXPECT_THAT(setup.flow.client.request({.method = "POST", .path = "/embeddings?dim=2", .body_json = "{}"}), IsOk());
    EXPECT_EQ(setup.listener->calls[3].operation, "embeddings");
}

TEST(Listeners, AnExceptionIsLogged) {
    CallFlow flow({"us-west"}, {.listeners = {std::make_shared<ThrowingListener>()}, .callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_THAT(flow.log(), Contains(HasSubstr("a listener threw")));
}

TEST(Listeners, OneThatThrowsDoesNotPreventTheNext) {
    struct Counter : EventListener {
        int calls = 0;
        void on_call(const CallRecord&) override { ++calls; }
    };
    const auto counter = std::make_shared<Counter>();
    CallFlow flow({"us-west"}, {.log = {.level = LogLevel::off},
                                .listeners = {std::make_shared<ThrowingListener>(), counter},
                                .callback_executor = run_inline});
    flow.transport.reply("us-west", "hello");
    ASSERT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(counter->calls, 1);
}

TEST(Listeners, RunOnTheCallbackThreadByDefault) {
    struct ThreadRecorder final : EventListener {
        std::promise<std::thread::id> thread{};
        void on_call(const CallRecord&) override { thread.set_value(std::this_thread::get_id()); }
    };
    const auto recorder = std::make_shared<ThreadRecorder>();
    CallFlow flow({"us-west"}, {.listeners = {recorder}});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_NE(wait_for_result(recorder->thread), std::this_thread::get_id());
}

}  // namespace
}  // namespace holysheep::flow
