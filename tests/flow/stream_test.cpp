// Streams: committed at the first content, failed over before it, ended with an error after it; three forms read the
// same events.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Stream, GivesItsEventsInOrderThenTheWholeAnswer) {
    CallFlow flow({"us-west"});
    flow.transport.stream("us-west", {"Me", "ri", "no"});
    auto request = a_question();
    request.include_usage = true;
    auto stream = flow.client.stream(request);
    EXPECT_THAT(read_all(stream),
                ElementsAre("started", "content:Me", "content:ri", "content:no", "finish:stop", "usage"));
    const auto answer = stream.finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "Merino");
    EXPECT_EQ(answer->region, "us-west");
    EXPECT_EQ(answer->requested_model, "gpt-4.1");
    EXPECT_TRUE(answer->usage.present);
    EXPECT_FALSE(answer->done_marker_missing);
    EXPECT_THAT(answer->attempts, SizeIs(1));
    EXPECT_TRUE(answer->attempts[0].winner);
}

TEST(Stream, RequestsAnEventStream) {
    CallFlow flow({"us-west"});
    flow.transport.stream("us-west", {"x"});
    EXPECT_THAT(flow.client.stream(a_question()).finish(), IsOk());
    EXPECT_EQ(header(flow.requests()[0], "Accept"), "text/event-stream");
    EXPECT_THAT(flow.requests()[0].body, HasSubstr(R"("stream":true)"));
}

TEST(Stream, RangeCallbackAndHandleGiveTheSameEvents) {
    const auto script = [](CallFlow& flow) {
        flow.transport.stream_bytes(
            "us-west", {kRoleEvent, kKeepAlive, content_event("Me"), content_event("rino"), kFinishEvent, kDone});
    };
    CallFlow range({"us-west"});
    script(range);
    auto stream = range.client.stream(a_question());
    const auto expected = read_all(stream);
    const auto answer = stream.finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_THAT(expected, ElementsAre(::testing::StartsWith("keep_alive"), "started", "content:Me", "content:rino",
                                      "finish:stop"));

    CallFlow blocking({"us-west"});
    script(blocking);
    std::vector<std::string> seen;
    const auto thread = std::this_thread::get_id();
    const auto collect = [&](const ChatChunk& chunk) {
        EXPECT_EQ(std::this_thread::get_id(), thread);
        seen.push_back(describe(chunk));
    };
    const auto same = blocking.client.stream_to(a_question(), collect);
    ASSERT_THAT(same, IsOk());
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(same->text(), answer->text());

    seen.clear();
    CallFlow async({"us-west"}, {.callback_executor = run_inline});
    script(async);
    int done = 0;
    async.client.stream_async(a_question(), {}, collect, [&](const Result<ChatCompletion>& result) {
        ++done;
        ASSERT_THAT(result, IsOk());
        EXPECT_EQ(result->text(), answer->text());
    });
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(done, 1);
}

TEST(Stream, ABreakBeforeContentFailsOverWithoutATrace) {
    struct Row {
        const char* name;
        std::vector<std::string> portions;
        StreamEnd end;
    };
    const Row rows[] = {{"cut at once", {}, StreamEnd::cut},
                        {"cut after the role", {kRoleEvent}, StreamEnd::cut},
                        {"ended without an answer", {kRoleEvent}, StreamEnd::complete},
                        {"an error event",
                         {kRoleEvent, "data: " + error_body("server_error", "server_error") + "\n\n"},
                         StreamEnd::complete},
                        {"a broken frame", {kRoleEvent, "data: {\"choices\":[{\n\n"}, StreamEnd::complete},
                        {"HTML", {"<html><title>Log in</title></html>"}, StreamEnd::complete},
                        {"silent", {kRoleEvent}, StreamEnd::silent}};
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        CallFlow flow({"us-west", "eu-central"});
        flow.transport.stream_bytes("us-west", row.portions, row.end).stream("eu-central", {"hello"});
        auto stream = flow.client.stream(a_question());
        EXPECT_THAT(read_all(stream), ElementsAre("started", "content:hello", "finish:stop"));
        const auto answer = stream.finish();
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->region, "eu-central");
        EXPECT_THAT(flow.attempts(), ElementsAre("us-west", "eu-central"));
    }
}

TEST(Stream, ABreakAfterContentIsAnErrorAndNeverReplayed) {
    struct Row {
        const char* name;
        std::vector<std::string> portions;
        StreamEnd end;
        ErrorCode code;
    };
    const auto a = content_event("Me");
    const Row rows[] = {
        {"cut", {kRoleEvent, a}, StreamEnd::cut, ErrorCode::stream_interrupted},
        {"ended without a finish", {kRoleEvent, a}, StreamEnd::complete, ErrorCode::stream_interrupted},
        {"silent", {kRoleEvent, a}, StreamEnd::silent, ErrorCode::stream_stalled},
        {"a broken frame",
         {kRoleEvent, a, "data: {\"choices\":[{\n\n"},
         StreamEnd::complete,
         ErrorCode::malformed_response},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        CallFlow flow({"us-west", "eu-central"});
        flow.transport.stream_bytes("us-west", row.portions, row.end).stream("eu-central", {"no"});
        auto stream = flow.client.stream(a_question());
        EXPECT_THAT(read_all(stream), ElementsAre("started", "content:Me"));
        const auto answer = stream.finish();
        ASSERT_THAT(answer, FailsWith(row.code));
        ASSERT_TRUE(answer.error().partial);
        EXPECT_EQ(answer.error().partial->text(), "Me");
        EXPECT_EQ(answer.error().partial->region, "us-west");
        EXPECT_EQ(answer.error().region, "us-west");
        EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
    }
}

TEST(Stream, AnErrorEventAfterContentEndsItWithThePartialAnswer) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.stream_bytes("us-west",
                                {kRoleEvent, content_event("Me"),
                                 "data: " + error_body("server_error", "server_error", "engine died") + "\n\n"});
    flow.transport.stream("eu-central", {"no"});
    const auto answer = flow.client.stream(a_question()).finish();
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message, HasSubstr("engine died"));
    ASSERT_TRUE(answer.error().partial);
    EXPECT_EQ(answer.error().partial->text(), "Me");
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
}

TEST(Stream, AKeepAliveAddsNothingToTheText) {
    CallFlow flow({"us-west"});
    flow.transport.stream_bytes("us-west", {kKeepAlive, kRoleEvent, content_event("Me"), kKeepAlive,
                                            content_event("rino"), kFinishEvent, kDone});
    std::string printed;
    for (auto stream = flow.client.stream(a_question()); const auto& chunk : stream) printed += chunk.text;
    EXPECT_EQ(printed, "Merino");
}

TEST(Stream, KeepAlivesDoNotStopTheStallClock) {
    CallFlow flow({"us-west"});
    std::vector<std::string> portions{kRoleEvent + content_event("Me")};
    portions.insert(portions.end(), 100, kKeepAlive);
    flow.transport.stream_bytes("us-west", portions, StreamEnd::silent, {.between = 10s});
    const auto answer = flow.client.stream(a_question()).finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::stream_stalled));
    EXPECT_EQ(flow.elapsed(), 60s);
}

TEST(Stream, TheStallLimitIsLearntFromTheModel) {
    struct Row {
        const char* name;
        std::chrono::nanoseconds between;
        milliseconds set;
        bool reasoning;
        std::chrono::nanoseconds limit;
    };
    const Row rows[] = {{"fast", 20ms, 0s, false, 10s},
                        {"slow", 3s, 0s, false, 25s},
                        {"very slow", 20s, 0s, false, 60s},
                        {"fast, with an explicit limit", 20ms, 30s, false, 30s},
                        {"fast, but a reasoning model", 20ms, 0s, true, 300s}};
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        ClientOptions client;
        client.models["gpt-4.1"] = {.reasoning = row.reasoning};
        CallFlow flow({"us-west", "eu-central"}, client);
        std::vector<std::string> portions(111, content_event("x"));  // with 110 gaps between them
        portions.push_back(kFinishEvent + kDone);
        flow.transport.stream_bytes("us-west", portions, StreamEnd::complete, {.between = row.between});
        flow.transport.stream_stall("us-west", {"Me"});
        ASSERT_THAT(flow.client.stream(a_question()).finish(), IsOk());
        const auto before = flow.elapsed();
        const auto answer = flow.client.stream(a_question(), {.timeouts = TimeoutOptions{.stall = row.set}}).finish();
        ASSERT_THAT(answer, FailsWith(ErrorCode::stream_stalled));
        EXPECT_EQ(answer.error().partial->text(), "Me");
        EXPECT_EQ(flow.elapsed() - before, row.limit);
    }
}

TEST(Stream, StallsRaiseTheLearntLimit) {
    CallFlow flow({"us-west"}, {.breaker = {.enabled = false}});
    std::vector<std::string> portions(110, content_event("x"));
    portions.push_back(kFinishEvent + kDone);
    flow.transport.stream_bytes("us-west", portions, StreamEnd::complete, {.between = 20ms});
    flow.transport.stream_stall("us-west", {"Me"});
    ASSERT_THAT(flow.client.stream(a_question()).finish(), IsOk());
    std::vector<std::chrono::nanoseconds> limits;
    for (int i = 0; i < 4; ++i) {
        const auto before = flow.elapsed();
        ASSERT_THAT(flow.client.stream(a_question()).finish(), FailsWith(ErrorCode::stream_stalled));
        limits.push_back(flow.elapsed() - before);
    }
    EXPECT_THAT(limits, ElementsAre(10s, 10s, 60s, 60s));
}

TEST(Stream, PausesOfTheReaderDoNotRaiseTheLearntLimit) {
    std::promise<Result<ChatCompletion>> done;
    CallFlow flow({"us-west"}, {.callback_executor = run_inline}, CallFlow::kManual);
    flow.transport.stream_bytes("us-west", std::vector<std::string>(130, content_event("x")), StreamEnd::silent,
                                {.between = 20ms});
    flow.transport.stream_stall("us-west", {"Me"});
    auto handle = flow.client.stream_async(
        a_question(), {}, [](const ChatChunk&) {}, [](Result<ChatCompletion>) {});
    for (int i = 0; i < 125; ++i) {
        flow.clock.advance(20ms);
        if (i % 10 != 5) continue;
        handle.pause();
        flow.clock.advance(30s);
        handle.resume();
    }
    handle.cancel();
    flow.clock.advance(0ms);
    flow.client.stream_async(
        a_question(), {}, [](const ChatChunk&) {}, [&](Result<ChatCompletion> r) { done.set_value(std::move(r)); });
    flow.clock.advance(10s);
    EXPECT_THAT(wait_for_result(done), FailsWith(ErrorCode::stream_stalled)) << "after ten seconds, not sixty";
}

TEST(Stream, TheDoneMarkerEndsItAlthoughTheConnectionStaysOpen) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Merino"), kFinishEvent + kDone},
                                StreamEnd::silent);
    auto stream = flow.client.stream(a_question());
    const auto answer = stream.finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "Merino");
    EXPECT_EQ(flow.transport.open_transfers(), 1U) << "it stays open so that its connection can be reused";
    flow.clock.advance(1s);
    EXPECT_EQ(flow.transport.open_transfers(), 0U) << "its body did not end soon";
}

TEST(Stream, DataAfterTheDoneMarkerIsNotReadForLong) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    std::vector<std::string> portions{kRoleEvent + content_event("Merino") + kFinishEvent + kDone};
    portions.insert(portions.end(), 1'000, std::string(1'024, ' '));
    flow.transport.stream_bytes("us-west", portions, StreamEnd::silent, {.between = 1ms});
    EXPECT_THAT(flow.client.stream(a_question()).finish(), IsOk());
    flow.clock.advance(100ms);
    EXPECT_EQ(flow.transport.open_transfers(), 0U);
}

TEST(Stream, ACompleteAnswerWithoutTheDoneMarkerSucceedsAndReportsIt) {
    CallFlow flow({"us-west"});
    flow.transport.stream("us-west", {"Merino"}, {.done_marker = false});
    const auto answer = flow.client.stream(a_question()).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_TRUE(answer->done_marker_missing);
}

TEST(Stream, ACompleteAnswerIsNotAStallAlthoughTheConnectionStaysOpen) {
    for (const auto recovery : {StreamRecovery::terminate, StreamRecovery::restart}) {
        CallFlow flow({"us-west", "eu-central"});
        flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Merino"), kFinishEvent}, StreamEnd::silent)
            .stream("eu-central", {"no"});
        const auto answer = flow.client.stream(a_question(), {.stream_recovery = recovery}).finish();
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->text(), "Merino");
        EXPECT_TRUE(answer->done_marker_missing);
        EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
        EXPECT_EQ(flow.transport.open_transfers(), 0U);
    }
}

TEST(Stream, ACompleteAnswerIsNotLostToTheDeadline) {
    CallFlow flow({"us-west"});
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Merino"), kFinishEvent}, StreamEnd::silent);
    const auto answer = flow.client.stream(a_question(), {.deadline = 5s}).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "Merino");
    EXPECT_EQ(flow.elapsed(), 5s);
}

TEST(Stream, AnErrorReceivedBeforeTheConnectionBrokeIsReported) {
    const auto refused = error_body("insufficient_quota", "insufficient_quota", "no money left");
    for (const std::string& body : {"data: " + refused + "\n", "error: " + refused, refused}) {
        SCOPED_TRACE(body);
        CallFlow flow({"us-west", "eu-central"});
        flow.transport.stream_bytes("us-west", {body}, StreamEnd::cut).stream("eu-central", {"no"});
        const auto answer = flow.client.stream(a_question()).finish();
        ASSERT_THAT(answer, FailsWith(ErrorCode::insufficient_quota));
        EXPECT_THAT(answer.error().message, HasSubstr("no money left"));
        EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
    }
}

TEST(Stream, AJsonAnswerToAStreamIsDeliveredAsEvents) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw(
        "us-west", 200, {{"content-type", "application/json"}},
        R"({"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Merino"},"finish_reason":"stop"}]})");
    auto stream = flow.client.stream(a_question());
    EXPECT_THAT(read_all(stream), Contains("content:Merino"));
    EXPECT_THAT(stream.finish(), IsOk());
}

TEST(Stream, MalformedFramesMayBeSkipped) {
    CallFlow flow({"us-west"});
    flow.transport.stream_bytes(
        "us-west", {kRoleEvent, content_event("Me"), "data: {broken\n\n", content_event("rino"), kFinishEvent, kDone});
    const auto answer = flow.client.stream(a_question(), {.skip_malformed_chunks = 1}).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "Merino");
    EXPECT_EQ(answer->skipped_chunks, 1);
}

TEST(Stream, AnHttpErrorIsTheErrorOfTheStream) {
    CallFlow flow({"us-west"});
    flow.transport.reply_raw("us-west", 400, {}, error_body("", "invalid_request_error", "no such tool"));
    auto stream = flow.client.stream(a_question());
    EXPECT_THAT(read_all(stream), IsEmpty());
    const auto answer = stream.finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::invalid_request));
    EXPECT_FALSE(answer.error().partial);
}

TEST(Stream, AnInvalidRequestIsReportedByFinish) {
    CallFlow flow({"us-west"});
    auto stream = flow.client.stream(a_question(), {.regions = {"mars"}});
    EXPECT_THAT(read_all(stream), IsEmpty());
    EXPECT_THAT(stream.finish(), FailsWith(ErrorCode::invalid_options));
}

TEST(Stream, FinishReadsTheRestAndReturnsTheAnswerOnce) {
    CallFlow flow({"us-west"});
    flow.transport.stream("us-west", {"Me", "rino"});
    auto stream = flow.client.stream(a_question());
    for (const auto& chunk : stream) {
        if (chunk.event == ChunkEvent::content) break;
    }
    const auto answer = stream.finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "Merino");
    EXPECT_THAT(stream.finish(), FailsWith(ErrorCode::invalid_request));
}

TEST(Stream, ASecondRangeContinuesWhereTheFirstStopped) {
    CallFlow flow({"us-west"});
    flow.transport.stream("us-west", {"a", "b"});
    auto stream = flow.client.stream(a_question());
    for (const auto& chunk : stream) {
        if (chunk.event == ChunkEvent::content) break;
    }
    EXPECT_THAT(read_all(stream), ElementsAre("content:b", "finish:stop"));
}

TEST(Stream, AnExceptionFromTheReaderCancelsItAndIsRethrown) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.stream_stall("us-west", {"a"});
    const auto throws = [](const ChatChunk& chunk) {
        if (chunk.event == ChunkEvent::content) throw std::runtime_error("enough");
    };
    EXPECT_THROW(static_cast<void>(flow.client.stream_to(a_question(), throws)), std::runtime_error);
    EXPECT_TRUE(flow.transport.requests()[0].cancelled);
    EXPECT_EQ(flow.client.stats().cancelled, 1U);
}

TEST(Stream, AnEventStreamIsAcceptedAsAPlainAnswer) {
    CallFlow flow({"us-west"});
    flow.transport.stream("us-west", {"Me", "rino"});
    EXPECT_EQ(flow.client.chat(a_question())->text(), "Merino");
}

TEST(Stream, IsCountedInTheStats) {
    CallFlow flow({"us-west"});
    flow.transport.stream("us-west", {"x"});
    EXPECT_THAT(flow.client.stream(a_question()).finish(), IsOk());
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    EXPECT_EQ(flow.client.stats().streams, 1U);
    EXPECT_EQ(flow.client.stats().calls, 2U);
}

TEST(Stream, AnAttemptWithManyEventsLeavesRoomForThoseOfTheNext) {
    // Sends five megabytes of events before any content, while at most four are held back.
    const auto padding_event = R"(data: {"id":"c","choices":[],"padding":")" + std::string(1u << 20U, 'x') +
                               R"(","usage":{"prompt_tokens":1,"completion_tokens":0,"total_tokens":1}})" + "\n\n";
    const std::vector<std::string> portions(5, padding_event);
    const auto events_of = [](CallFlow& flow) {
        auto stream = flow.client.stream(a_question());
        auto events = read_all(stream);
        EXPECT_THAT(stream.finish(), IsOk());
        return events;
    };
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.stream_bytes("us-west", portions, StreamEnd::cut).stream("eu-central", {"hello"});
    EXPECT_THAT(events_of(flow), ElementsAre("started", "content:hello", "finish:stop"));

    CallFlow only_region({"us-west"});
    auto whole = portions;
    whole.push_back(kRoleEvent + content_event("hello") + kFinishEvent + kDone);
    only_region.transport.stream_bytes("us-west", whole);
    EXPECT_THAT(events_of(only_region),
                ElementsAre("usage", "usage", "usage", "started", "content:hello", "finish:stop"))
        << "events beyond the limit are dropped";
}

TEST(Stream, ACostHeaderIsUsedIfTheAnswerHasNoCost) {
    const auto priced = [](bool streamed, const std::string& usage) {
        CallFlow flow({"us-west"});
        const std::string body =
            R"({"id":"c","model":"m","choices":[{"index":0,"message":{"content":"wool"},"delta":{"content":"wool"},)"
            R"("finish_reason":"stop"}])" +
            usage + "}";
        flow.transport.reply_raw("us-west", 200,
                                 {{"Content-Type", streamed ? "text/event-stream" : "application/json"},
                                  {"x-litellm-response-cost", "3.45e-05"}},
                                 streamed ? "data: " + body + "\n\n" + kDone : body);
        const auto answer = streamed ? flow.client.stream(a_question()).finish() : flow.client.chat(a_question());
        EXPECT_THAT(answer, IsOk());
        return answer && answer->reported_cost() ? answer->reported_cost()->nano : 0;
    };
    for (const bool streamed : {false, true}) {
        EXPECT_EQ(priced(streamed, ""), 34'500);
        EXPECT_EQ(priced(streamed, R"(,"usage":{"total_tokens":3})"), 34'500);
        EXPECT_EQ(priced(streamed, R"(,"usage":{"total_tokens":3,"cost":2})"), 2'000'000'000);
    }
}

TEST(Stream, OnlyContentResetsTheStallClock) {
    const std::string empty =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    const std::string usage = "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n";
    for (const std::string& idle : {std::string("event: ping\ndata: {\"type\":\"ping\"}\n\n"), empty, usage}) {
        CallFlow flow({"us-west"}, {.timeouts = {.stall = 4s}});
        std::vector<std::string> portions{kRoleEvent, content_event("Be")};
        for (int n = 0; n < 20; ++n) portions.push_back(idle);
        flow.transport.stream_bytes("us-west", portions, StreamEnd::silent, {.between = 1s});
        const auto begun = flow.clock.now();
        const auto answer = flow.client.stream(a_question()).finish();
        ASSERT_THAT(answer, FailsWith(ErrorCode::stream_stalled)) << idle;
        EXPECT_LE(flow.clock.now() - begun, 8s) << idle;
        EXPECT_EQ(answer.error().partial->text(), "Be");
    }
}

TEST(Stream, MediaCommitTheStreamAndAreDeliveredAtOnce) {
    const auto audio = [](const std::string& data) {
        return "data: {\"choices\":[{\"index\":0,\"delta\":{\"audio\":{\"data\":\"" + data + "\"}}}]}\n\n";
    };
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.stream_bytes("us-west", {kRoleEvent, audio("UklG"), audio("RiQA")}, StreamEnd::cut);
    flow.transport.stream("eu-central", {"never asked"});
    std::vector<std::string> heard;
    const auto answer = flow.client.stream_to(a_question(), [&](const ChatChunk& chunk) {
        if (chunk.event == ChunkEvent::media && chunk.media == MediaKind::audio) heard.emplace_back(chunk.text);
    });
    EXPECT_THAT(answer, FailsWith(ErrorCode::stream_interrupted));
    EXPECT_THAT(heard, ElementsAre("UklG", "RiQA"));
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
    EXPECT_THAT(answer.error().partial->choices[0].extra_json, HasSubstr("UklGRiQA"));
}

TEST(Stream, AFinishReasonThatMeansAFailureFailsOver) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.stream_bytes(
        "us-west", {kRoleEvent,
                    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"network_error\"}]}\n\n", kDone});
    flow.transport.stream("eu-central", {"Merino"});
    const auto answer = flow.client.stream(a_question()).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "Merino");
}

}  // namespace
}  // namespace holysheep::flow
