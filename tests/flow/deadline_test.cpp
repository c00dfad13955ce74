// Time limits set by the caller, for the whole call and for each attempt.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Deadline, EndsAHangingCallOnTime) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.hang("us-west").hang("eu-central");
    const auto reply = flow.client.chat(a_question(), {.deadline = 2500ms});
    ASSERT_THAT(reply, FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_EQ(flow.elapsed(), 2500ms);
    EXPECT_THAT(reply.error().attempts, SizeIs(2))
        << "the second region was tried before the deadline and hung as well";
    for (const auto& request : flow.transport.requests()) EXPECT_TRUE(request.cancelled);
}

TEST(Deadline, CoversAttemptsAndWaitsTogether) {
    CallFlow flow({"us-west"}, {.retry = {.initial_backoff = 400ms, .max_backoff = 400ms}});
    flow.transport.reply_raw("us-west", 503, {}, "", {.first_byte = 300ms});
    const auto reply = flow.client.chat(a_question(), {.deadline = 1s, .retry = RetryOptions{.max_attempts = 50}});
    ASSERT_FALSE(reply);
    EXPECT_LE(flow.elapsed(), 1s);
    for (const auto& attempt : reply.error().attempts) EXPECT_LT(attempt.started, 1s);
    EXPECT_GT(reply.error().attempts.size(), 1U);
}

TEST(Deadline, ErrorNamesTheEarlierFailure) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::tls_failed).hang("eu-central");
    const auto reply = flow.client.chat(a_question(), {.deadline = 1s});
    ASSERT_THAT(reply, FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_EQ(reply.error().cause, ErrorCode::tls_failed);
    EXPECT_THAT(reply.error().message, HasSubstr("us-west"));
}

TEST(Deadline, ZeroOrLessSendsNothing) {
    for (const auto deadline : {0ms, -1ms, milliseconds::min()}) {
        CallFlow flow({"us-west"});
        flow.transport.reply("us-west", "hello");
        EXPECT_THAT(flow.client.chat(a_question(), {.deadline = deadline}), FailsWith(ErrorCode::deadline_exceeded));
        EXPECT_THAT(flow.attempts(), IsEmpty());
    }
}

TEST(Deadline, TheMaximumDurationMeansNoLimit) {
    CallFlow flow({"us-west"}, {.timeouts = {.total = 0ms}});
    flow.transport.reply("us-west", "hello", {.first_byte = 50min});
    EXPECT_THAT(flow.client.chat(a_question(), {.deadline = milliseconds::max()}), IsOk());
}

TEST(Deadline, AConnectionThatIsReadyAtTheDeadlineIsTooLate) {
    CallFlow flow({"us-west"});
    flow.transport.reply("us-west", "hello", {.connect = 100ms});
    EXPECT_THAT(flow.client.chat(a_question(), {.deadline = 100ms}), FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_FALSE(flow.transport.requests()[0].sent);
}

TEST(Deadline, TheDefaultTotalIsTenMinutes) {
    CallFlow flow({"us-west"});
    flow.transport.hang("us-west");
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_EQ(flow.elapsed(), 600s);
}

TEST(Deadline, OfACallOverridesTheClientTotalTimeout) {
    CallFlow flow({"us-west"}, {.timeouts = {.total = 3s}});
    flow.transport.hang("us-west");
    EXPECT_THAT(flow.client.chat(a_question(), {.deadline = 5s}), FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_EQ(flow.elapsed(), 5s);
}

TEST(Deadline, TheClientTotalTimeoutAppliesToEveryCall) {
    CallFlow flow({"us-west"}, {.timeouts = {.total = 3s}});
    flow.transport.hang("us-west");
    EXPECT_THAT(flow.client.chat(a_question()), FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_EQ(flow.elapsed(), 3s);
}

TEST(Deadline, AnExplicitDeadlineCoversTheWholeStream) {
    CallFlow flow({"us-west"});
    flow.transport.stream("us-west", std::vector<std::string>(100, "x"), {.timing = {.between = 100ms}});
    const auto reply = flow.client.stream_to(a_question(), {.deadline = 1050ms}, [](const ChatChunk&) {});
    ASSERT_THAT(reply, FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_EQ(flow.elapsed(), 1050ms);
    ASSERT_TRUE(reply.error().partial);
    EXPECT_EQ(reply.error().partial->text(), std::string(11, 'x'));
}

TEST(Deadline, TheDefaultTotalTimeoutDoesNotInterruptAnActiveStream) {
    CallFlow flow({"us-west"});
    flow.transport.stream("us-west", std::vector<std::string>(30, "x"), {.timing = {.between = 50s}});
    EXPECT_THAT(flow.client.stream_to(a_question(), [](const ChatChunk&) {}), IsOk());
    EXPECT_GT(flow.elapsed(), 20min);
}

TEST(Timeouts, AnotherRegionIsAskedBeforeTheFirstContentLimit) {
    const std::vector<std::string> keep_alives(100, kKeepAlive);
    CallFlow flow({"us-west", "eu-central"}, {.timeouts = {.first_content = 3s}});
    flow.transport.stream_bytes("us-west", keep_alives, StreamEnd::silent, {.between = 700ms});
    flow.transport.reply("eu-central", "hello", {.first_byte = 1s});
    const auto reply = flow.client.stream_to(a_question(), [](const ChatChunk&) {});
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->region, "eu-central");
    EXPECT_EQ(reply->attempts[1].kind, AttemptKind::backup);
    EXPECT_EQ(reply->attempts[1].started, 1500ms);
    EXPECT_THAT(reply->attempts[0].left, HasSubstr("the deadline was approaching"));
}

TEST(Timeouts, TheFirstContentLimitEndsTheOnlyAttempt) {
    const std::vector<std::string> keep_alives(100, kKeepAlive);
    CallFlow flow({"us-west"}, {.retry = {.max_attempts = 1}, .timeouts = {.first_content = 3s}});
    flow.transport.stream_bytes("us-west", keep_alives, StreamEnd::silent, {.between = 700ms});
    const auto reply = flow.client.stream_to(a_question(), [](const ChatChunk&) {});
    EXPECT_THAT(reply, FailsWith(ErrorCode::timed_out));
    EXPECT_EQ(flow.elapsed(), 3s);
}

TEST(Timeouts, EachLimitEndsAnAttemptAndTheNextRegionAnswers) {
    struct Row {
        const char* name;
        TimeoutOptions timeouts;
        std::function<void(FakeTransport&)> script;
        std::chrono::nanoseconds expected;
        bool stream;
    };
    const Row rows[] = {
        {"connect", {.connect = 100ms}, [](auto& t) { t.never_connects("us-west"); }, 100ms, false},
        {"first_byte", {.first_byte = 2s}, [](auto& t) { t.hang("us-west"); }, 2s, false},
        {"first_byte", {.first_byte = 2s}, [](auto& t) { t.hang("us-west"); }, 2s, true},
        {"attempt", {.attempt = 4s}, [](auto& t) { t.hang("us-west"); }, 4s, false},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        CallFlow flow({"us-west", "eu-central"}, {.timeouts = row.timeouts});
        row.script(flow.transport);
        flow.transport.reply("eu-central", "hello");
        const auto reply =
            row.stream ? flow.client.stream_to(a_question(), [](const ChatChunk&) {}) : flow.client.chat(a_question());
        ASSERT_THAT(reply, IsOk());
        EXPECT_EQ(reply->region, "eu-central");
        EXPECT_EQ(reply->attempts[0].error, ErrorCode::timed_out);
        EXPECT_EQ(reply->attempts[1].started, row.expected);
        EXPECT_THAT(reply->attempts[0].detail, HasSubstr("within " + std::to_string(row.expected / 1ms) + " ms"));
    }
}

TEST(Timeouts, TheStallTimeoutIsMeasuredFromTheLastChunk) {
    CallFlow flow({"us-west"}, {.timeouts = {.stall = 4s}});
    flow.transport.stream_stall("us-west", {"a", "b", "c"}, {.between = 3s});
    const auto reply = flow.client.stream_to(a_question(), [](const ChatChunk&) {});
    ASSERT_THAT(reply, FailsWith(ErrorCode::stream_stalled));
    EXPECT_EQ(flow.elapsed(), 10s);
    EXPECT_THAT(reply.error().message, HasSubstr("nothing new within 4000 ms"));
}

TEST(Timeouts, ACallMayOverrideTheClientTimeouts) {
    CallFlow flow({"us-west"}, {.timeouts = {.total = 50s}});
    flow.transport.hang("us-west");
    EXPECT_THAT(flow.client.chat(a_question(), {.timeouts = TimeoutOptions{.total = 2s}}),
                FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_EQ(flow.elapsed(), 2s);
}

}  // namespace
}  // namespace holysheep::flow
