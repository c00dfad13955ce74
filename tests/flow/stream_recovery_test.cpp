// Recovery of a stream that breaks after content: each kind of end, in each mode, in each form of reading.
#include <random>

#include "stream_forms.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string usage_event(int prompt, int completion) {
    return R"(data: {"id":"c","choices":[],"usage":{"prompt_tokens":)" + std::to_string(prompt) +
           R"(,"completion_tokens":)" + std::to_string(completion) + R"(,"total_tokens":)" +
           std::to_string(prompt + completion) + "}}\n\n";
}

const std::string kToolEvent =
    R"(data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"wool","arguments":"{\"a\":"}}]},"finish_reason":null}]})"
    "\n\n";

/// A way in which a stream fails after its first content.
struct BadEnd {
    const char* name;
    std::vector<std::string> last;
    StreamEnd end;
    ErrorCode code;
};

const BadEnd kBadEnds[] = {
    {"cut", {}, StreamEnd::cut, ErrorCode::stream_interrupted},
    {"ended without a finish", {}, StreamEnd::complete, ErrorCode::stream_interrupted},
    {"silent", {}, StreamEnd::silent, ErrorCode::stream_stalled},
    {"an error event",
     {"data: " + error_body("server_error", "server_error") + "\n\n"},
     StreamEnd::complete,
     ErrorCode::server_failed},
    {"a broken frame", {"data: {\"choices\":[{\n\n"}, StreamEnd::complete, ErrorCode::malformed_response},
};

std::vector<std::string> broken_after(const std::string& text, const BadEnd& bad) {
    std::vector<std::string> portions = {kRoleEvent, content_event(text)};
    portions.insert(portions.end(), bad.last.begin(), bad.last.end());
    return portions;
}

ClientOptions with_prefill() {
    ClientOptions options;
    options.models["gpt-4.1"] = {.prefill = true};
    return options;
}

CallOptions recovering(StreamRecovery recovery) {
    CallOptions options;
    options.stream_recovery = recovery;
    return options;
}

TEST(StreamRecovery, HandlesEveryBadEndInEveryModeAndForm) {
    for (const auto& bad : kBadEnds) {
        for (const auto& form : stream_forms()) {
            SCOPED_TRACE(std::string(bad.name) + ", " + form.name);
            const auto run = [&](StreamRecovery recovery) {
                auto flow =
                    std::make_unique<CallFlow>(std::vector<std::string>{"us-west", "eu-central"}, with_prefill());
                flow->transport.stream_bytes("us-west", broken_after("Me", bad), bad.end);
                flow->transport.stream_bytes("eu-central", {kRoleEvent, content_event("rino"), kFinishEvent, kDone});
                auto seen = read_stream(form, *flow, recovering(recovery));
                return std::pair(std::move(seen), flow->attempts());
            };

            const auto [terminated, first_attempts] = run(StreamRecovery::terminate);
            EXPECT_THAT(terminated.events, ElementsAre("started", "content:Me"));
            ASSERT_THAT(terminated.result, FailsWith(bad.code));
            EXPECT_EQ(terminated.result.error().partial->text(), "Me");
            EXPECT_THAT(first_attempts, ElementsAre("us-west"));

            const auto [restarted, restart_attempts] = run(StreamRecovery::restart);
            EXPECT_THAT(restarted.events,
                        ElementsAre("started", "content:Me", "restarted", "started", "content:rino", "finish:stop"));
            ASSERT_THAT(restarted.result, IsOk());
            EXPECT_EQ(restarted.result->text(), "rino");
            EXPECT_EQ(restarted.result->region, "eu-central");
            EXPECT_THAT(restart_attempts, ElementsAre("us-west", "eu-central"));
            ASSERT_THAT(restarted.result->attempts, SizeIs(2));
            EXPECT_EQ(restarted.result->attempts[0].error, bad.code);
            EXPECT_FALSE(restarted.result->attempts[0].winner);
            EXPECT_TRUE(restarted.result->attempts[1].winner);

            const auto [continued, continue_attempts] = run(StreamRecovery::continue_prefix);
            EXPECT_THAT(continued.events, ElementsAre("started", "content:Me", "content:rino", "finish:stop"));
            ASSERT_THAT(continued.result, IsOk());
            EXPECT_EQ(continued.result->text(), "Merino");
            EXPECT_THAT(continue_attempts, ElementsAre("us-west", "eu-central"));
            EXPECT_TRUE(continued.result->attempts[0].winner) << "it contributed a part of the answer";
            EXPECT_TRUE(continued.result->attempts[1].winner);
        }
    }
}

TEST(StreamRecovery, ContinuingSendsTheTextAsTheLastMessage) {
    CallFlow flow({"us-west", "eu-central"}, with_prefill());
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::cut);
    flow.transport.stream_bytes("eu-central", {content_event("rino"), kFinishEvent, kDone});
    auto options = recovering(StreamRecovery::continue_prefix);
    options.idempotency_key = "order-7";
    options.extra_json = R"({"top_k":5})";
    ASSERT_THAT(flow.client.stream(a_question(), options).finish(), IsOk());
    const auto requests = flow.requests();
    ASSERT_THAT(requests, SizeIs(2));
    EXPECT_THAT(requests[0].body, Not(HasSubstr("assistant")));
    EXPECT_THAT(requests[1].body,
                AllOf(HasSubstr(R"({"role":"assistant","content":"Me"}])"), HasSubstr(R"("top_k":5)")));
    EXPECT_EQ(header(requests[0], "Idempotency-Key"), "order-7");
    EXPECT_NE(header(requests[1], "Idempotency-Key"), "order-7") << "the body is different";
}

TEST(StreamRecovery, ContinuingExtendsTheLastMessageOfTheRequest) {
    // The prefix that such requests give to the model is not part of the answer.
    auto of_parts = assistant("");
    of_parts.parts = {TextPart{.text = "The finest is "}};
    auto of_marked_parts = assistant("");
    of_marked_parts.parts = {TextPart{.text = "The finest is ", .extra_json = R"({"cache_control":{}})"}};
    auto marked = assistant("The finest is ");
    marked.extra_json = R"({"prefix":true})";
    const std::pair<Message, const char*> rows[] = {
        {assistant("The finest is "), R"({"role":"assistant","content":"The finest is Me"}])"},
        {marked, R"({"role":"assistant","content":"The finest is Me","prefix":true}])"},
        {of_parts, R"({"role":"assistant","content":[{"type":"text","text":"The finest is Me"}]}])"},
        {of_marked_parts, R"("cache_control":{}},{"type":"text","text":"Me"}]}])"}};
    for (const auto& [last, sent] : rows) {
        CallFlow flow({"us-west", "eu-central"}, with_prefill());
        flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::cut);
        flow.transport.stream_bytes("eu-central", {content_event("rino"), kFinishEvent, kDone});
        auto request = a_question();
        request.messages.push_back(last);
        const auto answer = flow.client.stream(request, recovering(StreamRecovery::continue_prefix)).finish();
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->text(), "Merino");
        EXPECT_THAT(flow.requests()[1].body, HasSubstr(sent));
    }
}

TEST(StreamRecovery, ContinuingRefusesALastMessageThatCannotBeExtended) {
    auto with_tools = assistant("");
    with_tools.tool_calls = {{.id = "call_1", .name = "wool", .arguments = "{}"}};
    auto refused = assistant("");
    refused.refusal = "no";
    auto replaced = assistant("");
    replaced.extra_json = R"({"content":"The finest is "})";
    for (const auto& last : {with_tools, refused, replaced}) {
        CallFlow flow({"us-west"}, with_prefill());
        auto request = a_question();
        request.messages.push_back(last);
        EXPECT_THAT(flow.client.stream(request, recovering(StreamRecovery::continue_prefix)).finish(),
                    FailsWith(ErrorCode::invalid_options));
        EXPECT_THAT(flow.attempts(), IsEmpty()) << "refused before anything is billed";
    }
}

TEST(StreamRecovery, ContinuingSendsNoTrailingWhiteSpaceButKeepsItInTheAnswer) {
    CallFlow flow({"us-west", "eu-central"}, with_prefill());
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event(R"(Merino \n\t )")}, StreamEnd::cut);
    flow.transport.stream_bytes("eu-central", {content_event("wool"), kFinishEvent, kDone});
    const auto answer = flow.client.stream(a_question(), recovering(StreamRecovery::continue_prefix)).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "Merino \n\t wool");
    EXPECT_THAT(flow.requests()[1].body, HasSubstr(R"({"role":"assistant","content":"Merino"}])"));
}

TEST(StreamRecovery, WhiteSpaceAloneIsRestartedInsteadOfContinued) {
    CallFlow flow({"us-west", "eu-central"}, with_prefill());
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event(R"(\n\n)")}, StreamEnd::cut);
    flow.transport.stream("eu-central", {"Merino"});
    auto stream = flow.client.stream(a_question(), recovering(StreamRecovery::continue_prefix));
    EXPECT_THAT(read_all(stream),
                ElementsAre("started", "content:\n\n", "restarted", "started", "content:Merino", "finish:stop"));
    EXPECT_EQ(stream.finish()->text(), "Merino");
    EXPECT_EQ(flow.requests()[0].body, flow.requests()[1].body);
}

TEST(StreamRecovery, AFinishWithoutContentBeforeAnotherBreakLosesNothing) {
    for (const auto mode : {StreamRecovery::restart, StreamRecovery::continue_prefix}) {
        CallFlow flow({"us-west", "eu-central"}, with_prefill());
        flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::cut);
        flow.transport.stream_bytes(
            "eu-central", {kFinishEvent, "data: " + error_body("insufficient_quota", "insufficient_quota") + "\n\n"});
        const auto seen = read_stream(stream_forms()[0], flow, recovering(mode));
        ASSERT_THAT(seen.result, FailsWith(ErrorCode::insufficient_quota));
        const auto& partial = seen.result.error().partial;
        if (mode == StreamRecovery::restart) {
            EXPECT_FALSE(partial) << "the restart discarded it";
            EXPECT_EQ(seen.since_restart, "");
        } else {
            ASSERT_TRUE(partial);
            EXPECT_EQ(partial->text(), "Me");
            EXPECT_EQ(seen.since_restart, "Me");
        }
    }
}

TEST(StreamRecovery, ReasoningAloneIsRestartedInsteadOfContinued) {
    const auto reasoning = [](const std::string& text) {
        return R"(data: {"id":"c","choices":[{"index":0,"delta":{"reasoning_content":")" + text +
               R"("},"finish_reason":null}]})" + "\n\n";
    };
    CallFlow flow({"us-west", "eu-central"}, with_prefill());
    flow.transport.stream_bytes("us-west", {kRoleEvent, reasoning("Sheep are")}, StreamEnd::cut);
    flow.transport.stream_bytes("eu-central",
                                {kRoleEvent, reasoning("Wool"), content_event("Merino"), kFinishEvent, kDone});
    int restarts = 0;
    const auto answer = flow.client.stream_to(
        a_question(), recovering(StreamRecovery::continue_prefix),
        [&](const ChatChunk& chunk) { restarts += chunk.event == ChunkEvent::restarted ? 1 : 0; });
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(restarts, 1);
    EXPECT_EQ(answer->reasoning_text(), "Wool");
    EXPECT_EQ(answer->text(), "Merino");
}

TEST(StreamRecovery, RestartingSendsTheSameRequest) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::cut);
    flow.transport.stream("eu-central", {"Merino"});
    ASSERT_THAT(flow.client.stream(a_question(), recovering(StreamRecovery::restart)).finish(), IsOk());
    EXPECT_EQ(flow.requests()[0].body, flow.requests()[1].body);
}

TEST(StreamRecovery, EveryAttemptIsBilled) {
    for (const auto mode : {StreamRecovery::restart, StreamRecovery::continue_prefix}) {
        CallFlow flow({"us-west", "eu-central"}, with_prefill());
        flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me"), usage_event(10, 1)}, StreamEnd::cut);
        flow.transport.stream_bytes("eu-central",
                                    {kRoleEvent, content_event("rino"), kFinishEvent, usage_event(11, 3), kDone});
        std::int64_t reported = 0;
        const auto answer = flow.client.stream_to(a_question(), recovering(mode), [&](const ChatChunk& chunk) {
            reported = chunk.usage ? chunk.usage->total_tokens : reported;
        });
        ASSERT_THAT(answer, IsOk());
        EXPECT_EQ(answer->usage.prompt_tokens, 21);
        EXPECT_EQ(answer->usage.completion_tokens, 4);
        EXPECT_EQ(answer->usage.total_tokens, 25);
        EXPECT_EQ(reported, 25) << "the event has the same usage as the answer";
    }
}

TEST(StreamRecovery, AToolCallIsNotContinued) {
    CallFlow flow({"us-west", "eu-central"}, with_prefill());
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me"), kToolEvent}, StreamEnd::cut);
    flow.transport.stream("eu-central", {"no"});
    const auto answer = flow.client.stream(a_question(), recovering(StreamRecovery::continue_prefix)).finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::stream_interrupted));
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
}

TEST(StreamRecovery, AToolCallMayBeRestarted) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.stream_bytes("us-west", {kRoleEvent, kToolEvent}, StreamEnd::cut);
    flow.transport.stream("eu-central", {"done"});
    const auto answer = flow.client.stream(a_question(), recovering(StreamRecovery::restart)).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "done");
    EXPECT_THAT(answer->tool_calls(), IsEmpty());
}

TEST(StreamRecovery, ContinuingNeedsAModelWithPrefill) {
    CallFlow flow({"us-west"});
    const auto answer = flow.client.stream(a_question(), recovering(StreamRecovery::continue_prefix)).finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::invalid_options));
    EXPECT_THAT(answer.error().message, HasSubstr("prefill"));
    EXPECT_THAT(flow.attempts(), IsEmpty());
}

TEST(StreamRecovery, ContinuingIsRefusedIfExtraJsonReplacesTheMessages) {
    CallFlow flow({"us-west"}, with_prefill());
    auto options = recovering(StreamRecovery::continue_prefix);
    options.extra_json = R"({"messages":[]})";
    EXPECT_THAT(flow.client.stream(a_question(), options).finish(), FailsWith(ErrorCode::invalid_options));
}

TEST(StreamRecovery, MayTakeSeveralAttempts) {
    CallFlow flow({"us-west", "eu-central", "ap-south"}, with_prefill());
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::cut);
    flow.transport.stream_bytes("eu-central", {kRoleEvent, content_event("ri")}, StreamEnd::cut);
    flow.transport.stream_bytes("ap-south", {kRoleEvent, content_event("no"), kFinishEvent, kDone});
    const auto answer = flow.client.stream(a_question(), recovering(StreamRecovery::continue_prefix)).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "Merino");
    EXPECT_THAT(flow.requests()[2].body, HasSubstr(R"({"role":"assistant","content":"Meri"}])"));
}

TEST(StreamRecovery, AFailedRecoveryReportsTheBrokenStream) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::cut);
    flow.transport.reply_raw("eu-central", 401, {}, error_body("invalid_api_key"));
    std::vector<std::string> events;
    auto stream = flow.client.stream(a_question(), recovering(StreamRecovery::restart));
    EXPECT_THAT(read_all(stream), ElementsAre("started", "content:Me")) << "no restart without a new answer";
    const auto answer = stream.finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::stream_interrupted));
    ASSERT_TRUE(answer.error().partial);
    EXPECT_EQ(answer.error().partial->text(), "Me");
    EXPECT_THAT(answer.error().message, HasSubstr("no recovery: eu-central"));
    EXPECT_THAT(answer.error().attempts, SizeIs(2));
}

TEST(StreamRecovery, APermanentErrorIsNotRecovered) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.stream_bytes(
        "us-west",
        {kRoleEvent, content_event("Me"), "data: " + error_body("insufficient_quota", "insufficient_quota") + "\n\n"});
    flow.transport.stream("eu-central", {"no"});
    const auto answer = flow.client.stream(a_question(), recovering(StreamRecovery::restart)).finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::insufficient_quota));
    EXPECT_EQ(answer.error().partial->text(), "Me");
    EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
}

TEST(StreamRecovery, ObeysMaxAttemptsAndCostSafe) {
    for (const bool by_attempts : {true, false}) {
        CallFlow flow({"us-west", "eu-central"});
        flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::cut);
        flow.transport.stream("eu-central", {"no"});
        auto options = recovering(StreamRecovery::restart);
        if (by_attempts) {
            options.retry = RetryOptions{.max_attempts = 1};
        } else {
            options.cost_safe = true;
        }
        const auto answer = flow.client.stream(a_question(), options).finish();
        ASSERT_THAT(answer, FailsWith(ErrorCode::stream_interrupted));
        EXPECT_THAT(answer.error().message, HasSubstr(by_attempts ? "max_attempts" : "cost_safe"));
        EXPECT_THAT(flow.attempts(), ElementsAre("us-west"));
    }
}

TEST(StreamRecovery, TheOnlyRegionIsRetriedWithinTheRetryBudget) {
    ClientOptions options;
    options.retry.budget_capacity = 1;
    options.breaker.enabled = false;
    CallFlow flow({"us-west"}, options);
    for (int call = 0; call < 2; ++call) {
        flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::cut);
        if (call == 0) flow.transport.stream("us-west", {"Merino"});
    }
    EXPECT_THAT(flow.client.stream(a_question(), recovering(StreamRecovery::restart)).finish(), IsOk());
    const auto second = flow.client.stream(a_question(), recovering(StreamRecovery::restart)).finish();
    ASSERT_THAT(second, FailsWith(ErrorCode::stream_interrupted));
    EXPECT_THAT(second.error().message, HasSubstr("retry budget is empty"));
    EXPECT_EQ(second.error().partial->text(), "Me");
}

TEST(StreamRecovery, TheDeadlineEndsRecoveryAndKeepsThePartialAnswer) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::cut);
    flow.transport.stream_bytes("eu-central", {}, StreamEnd::silent);
    auto options = recovering(StreamRecovery::restart);
    options.deadline = 5s;
    const auto answer = flow.client.stream(a_question(), options).finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_EQ(flow.elapsed(), 5s);
    ASSERT_TRUE(answer.error().partial);
    EXPECT_EQ(answer.error().partial->text(), "Me");
}

TEST(StreamRecovery, CancellingEndsRecovery) {
    CallFlow flow({"us-west", "eu-central"}, {.callback_executor = run_inline}, CallFlow::kManual);
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::cut);
    flow.transport.stream_bytes("eu-central", {kRoleEvent}, StreamEnd::silent);
    std::promise<Result<ChatCompletion>> done;
    auto handle = flow.client.stream_async(
        a_question(), recovering(StreamRecovery::restart), [](const ChatChunk&) {},
        [&](Result<ChatCompletion> result) { done.set_value(std::move(result)); });
    flow.clock.advance(1s);
    handle.cancel();
    flow.clock.advance(1s);
    const auto answer = wait_for_result(done);
    ASSERT_THAT(answer, FailsWith(ErrorCode::cancelled));
    EXPECT_EQ(answer.error().partial->text(), "Me");
}

TEST(StreamRecovery, ALongStreamIsRecoveredAfterTheDefaultTotal) {
    ClientOptions options;
    options.timeouts.stall = 700s;
    CallFlow flow({"us-west", "eu-central"}, options);
    flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::silent);
    flow.transport.stream("eu-central", {"Merino"});
    const auto answer = flow.client.stream(a_question(), recovering(StreamRecovery::restart)).finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_GT(flow.elapsed(), 600s);
}

TEST(StreamRecovery, TheEventsAlwaysAddUpToTheReportedAnswer) {
    // Random scripts of up to four attempts, each broken at a random place or complete.
    std::mt19937 random(11);
    int recovered = 0;
    for (int run = 0; run < 200; ++run) {
        const auto mode = run % 2 == 0 ? StreamRecovery::restart : StreamRecovery::continue_prefix;
        CallFlow flow({"a", "b", "c", "d"}, with_prefill());
        for (const auto* region : {"a", "b", "c", "d"}) {
            std::vector<std::string> portions = {kRoleEvent};
            for (auto pieces = random() % 4; pieces > 0; --pieces) {
                portions.push_back(content_event(std::string(region) + std::to_string(random() % 100)));
                if (random() % 3 == 0) portions.push_back(kKeepAlive);
            }
            if (random() % 3 == 0) {
                portions.insert(portions.end(), {kFinishEvent, kDone});
                flow.transport.stream_bytes(region, portions);
            } else {
                const auto& bad = kBadEnds[random() % std::size(kBadEnds)];
                portions.insert(portions.end(), bad.last.begin(), bad.last.end());
                flow.transport.stream_bytes(region, portions, bad.end);
            }
        }
        const auto seen = read_stream(stream_forms()[random() % 3], flow, recovering(mode));
        if (seen.result) {
            EXPECT_EQ(seen.since_restart, seen.result->text()) << "run " << run;
            recovered += seen.result->attempts.size() > 1 ? 1 : 0;
        } else if (seen.result.error().partial) {
            EXPECT_EQ(seen.since_restart, seen.result.error().partial->text()) << "run " << run;
        } else {
            EXPECT_EQ(seen.since_restart, "") << "run " << run;
        }
    }
    EXPECT_GT(recovered, 20);
}

TEST(ModelTraits, AReasoningModelHasLongerTimeouts) {
    for (const bool reasoning : {false, true}) {
        ClientOptions options;
        options.models["gpt-4.1"] = {.reasoning = reasoning};
        CallFlow flow({"us-west", "eu-central"}, options);
        flow.transport.stream_bytes("us-west", {kRoleEvent, content_event("Me")}, StreamEnd::silent);
        EXPECT_THAT(flow.client.stream(a_question()).finish(), FailsWith(ErrorCode::stream_stalled));
        EXPECT_EQ(flow.elapsed(), reasoning ? 300s : 60s);
    }
    for (const bool reasoning : {false, true}) {
        ClientOptions options;
        options.models["gpt-4.1"] = {.reasoning = reasoning};
        CallFlow flow({"us-west", "eu-central"}, options);
        flow.transport.stream_bytes("us-west", {kRoleEvent}, StreamEnd::silent).stream("eu-central", {"x"});
        EXPECT_THAT(flow.client.stream(a_question()).finish(), IsOk());
        EXPECT_EQ(flow.elapsed(), reasoning ? 300s : 120s) << "the first content";
    }
}

}  // namespace
}  // namespace holysheep::flow
