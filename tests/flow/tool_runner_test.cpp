// The tool loop: what is sent to the model, when the loop ends, and what is kept.
#include <holysheep/tool_runner.hpp>

#include <atomic>
#include <barrier>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string calls(const std::vector<std::array<std::string, 3>>& list) {
    std::string json;
    for (const auto& [id, name, arguments] : list) {
        json += (json.empty() ? "" : ",") + (R"({"id":")" + id + R"(","type":"function","function":{"name":")" + name) +
                R"(","arguments":")" + arguments + R"("}})";
    }
    return R"({"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[)" +
           json + R"(]},"finish_reason":"tool_calls"}]})";
}

struct ToolFlow : CallFlow {
    ToolFlow() : CallFlow({"us-west"}) {}
    void model_calls(const std::vector<std::array<std::string, 3>>& list) {
        transport.reply_raw("us-west", 200, {{"content-type", "application/json"}}, calls(list));
    }
};

TEST(ToolRunner, RunsToolCallsUntilTheModelAnswers) {
    ToolFlow flow;
    flow.model_calls({{"1", "price", R"({\"breed\":\"merino\"})"}});
    flow.transport.reply("us-west", "14.50");
    std::vector<std::string> seen;
    const auto run = run_tools(flow.client, a_question(), {{"price", [&](const std::string& arguments) {
                                                                seen.push_back(arguments);
                                                                return std::string("14.5");
                                                            }}});
    ASSERT_THAT(run.answer, IsOk());
    EXPECT_EQ(run.answer->text(), "14.50");
    EXPECT_THAT(seen, ElementsAre(R"({"breed":"merino"})"));
    EXPECT_EQ(run.rounds, 2);
    EXPECT_FALSE(run.limit_reached);
    ASSERT_THAT(run.messages, SizeIs(4));
    EXPECT_EQ(run.messages[1].tool_calls.at(0).name, "price");
    EXPECT_EQ(run.messages[2].role, Role::tool);
    EXPECT_EQ(run.messages[2].tool_call_id, "1");
    EXPECT_EQ(run.messages[2].content, "14.5");
    EXPECT_EQ(run.messages[3].content, "14.50");
    EXPECT_THAT(flow.requests().back().body, HasSubstr(R"("tool_call_id":"1")"));
}

TEST(ToolRunner, ToolFailuresAreReportedToTheModel) {
    ToolFlow flow;
    flow.model_calls({{"1", "throws", ""}, {"2", "fails", ""}, {"3", "unknown", ""}, {"4", "odd", ""}});
    flow.transport.reply("us-west", "sorry");
    const auto run =
        run_tools(flow.client, a_question(),
                  {{"throws", [](const std::string&) -> std::string { throw std::runtime_error("no \"wool\" left"); }},
                   {"fails",
                    [](const std::string& arguments) -> Result<std::string> {
                        EXPECT_EQ(arguments, "{}") << "the model gave no arguments";
                        return Error{.message = "closed"};
                    }},
                   {"odd", [](const std::string&) -> std::string { throw 7; }}});
    ASSERT_THAT(run.answer, IsOk());
    ASSERT_THAT(run.messages, SizeIs(7));
    EXPECT_EQ(run.messages[2].content, R"({"error":"no \"wool\" left"})");
    EXPECT_EQ(run.messages[3].content, R"({"error":"closed"})");
    EXPECT_THAT(run.messages[4].content, HasSubstr("no tool named"));
    EXPECT_THAT(run.messages[5].content, HasSubstr("the tool failed"));
}

TEST(ToolRunner, RunsNoToolOfACutOrBlockedAnswer) {
    const std::pair<const char*, ErrorCode> rows[] = {{"length", ErrorCode::malformed_response},
                                                      {"MAX_TOKENS", ErrorCode::malformed_response},
                                                      {"SAFETY", ErrorCode::content_filtered}};
    for (const auto& [finish, code] : rows) {
        ToolFlow flow;
        std::string body = calls({{"1", "price", "{}"}});
        body.replace(body.rfind("tool_calls"), 10, finish);
        flow.transport.reply_raw("us-west", 200, {{"content-type", "application/json"}}, body);
        int runs = 0;
        const auto run = run_tools(flow.client, a_question(), {{"price", [&](const std::string&) {
                                                                    ++runs;
                                                                    return std::string("1");
                                                                }}});
        EXPECT_THAT(run.answer, FailsWith(code)) << finish;
        EXPECT_EQ(runs, 0);
        EXPECT_THAT(run.messages, SizeIs(1)) << "a call without its result could not be sent again";
        EXPECT_EQ(run.answer.error().partial->tool_calls().size(), 1U);
    }
}

TEST(ToolRunner, EndsAtMaxRoundsAndReportsIt) {
    ToolFlow flow;
    for (int i = 0; i < 12; ++i) flow.model_calls({{"1", "again", ""}});
    int ran = 0;
    const std::map<std::string, ToolFunction> tools = {{"again", [&](const std::string&) {
                                                            ++ran;
                                                            return std::string("ok");
                                                        }}};
    auto run = run_tools(flow.client, a_question(), tools);
    EXPECT_TRUE(run.limit_reached);
    EXPECT_EQ(run.rounds, 10);
    EXPECT_EQ(ran, 9) << "the calls of the last answer are not run, because their results would not be sent";
    ASSERT_THAT(run.answer, IsOk());
    EXPECT_THAT(run.answer->tool_calls(), SizeIs(1));

    run = run_tools(flow.client, a_question(), tools, {.max_rounds = 1});
    EXPECT_EQ(run.rounds, 1);
    EXPECT_TRUE(run.limit_reached);
}

TEST(ToolRunner, ParallelCallsRunTogetherAndAnswerInOrder) {
    ToolFlow flow;
    flow.model_calls({{"1", "wait", "a"}, {"2", "wait", "b"}, {"3", "wait", "c"}});
    flow.transport.reply("us-west", "done");
    std::barrier together(3);  // tools that run one after another would wait for ever
    const auto run = run_tools(flow.client, a_question(),
                               {{"wait",
                                 [&](const std::string& arguments) {
                                     together.arrive_and_wait();
                                     return arguments;
                                 }}},
                               {.parallel = true});
    ASSERT_THAT(run.answer, IsOk());
    EXPECT_EQ(run.messages[2].content + run.messages[3].content + run.messages[4].content, "abc");
}

TEST(ToolRunner, CancellingPreventsTheNextToolAndKeepsTheConversation) {
    ToolFlow flow;
    flow.model_calls({{"1", "stop", ""}, {"2", "stop", ""}});
    std::stop_source stop;
    int ran = 0;
    const auto run = run_tools(flow.client, a_question(),
                               {{"stop",
                                 [&](const std::string&) {
                                     ++ran;
                                     stop.request_stop();
                                     return std::string("ok");
                                 }}},
                               {.call = {.stop = stop.get_token()}});
    ASSERT_THAT(run.answer, FailsWith(ErrorCode::cancelled));
    EXPECT_EQ(ran, 1);
    ASSERT_TRUE(run.answer.error().partial);
    EXPECT_THAT(run.answer.error().partial->tool_calls(), SizeIs(2));
    ASSERT_THAT(run.messages, SizeIs(4)) << "each call has a result, without which gateways reject the conversation";
    EXPECT_THAT(run.messages[3].content, ::testing::HasSubstr("cancelled"));
}

TEST(ToolRunner, ADeadlineCoversTheWholeRun) {
    ToolFlow flow;
    flow.transport.reply("us-west", "x");
    const auto run = run_tools(flow.client, a_question(), {}, {.call = {.deadline = 0ms}});
    ASSERT_THAT(run.answer, FailsWith(ErrorCode::deadline_exceeded));
    EXPECT_THAT(flow.attempts(), IsEmpty());
}

TEST(ToolRunner, ADeadlineMayBeTheMaximumDuration) {
    ToolFlow flow;
    flow.transport.reply("us-west", "x");
    EXPECT_THAT(run_tools(flow.client, a_question(), {}, {.call = {.deadline = milliseconds::max()}}).answer, IsOk());
    EXPECT_THAT(run_tools(flow.client, a_question(), {}, {.call = {.deadline = milliseconds::min()}}).answer,
                FailsWith(ErrorCode::deadline_exceeded));
}

TEST(ToolRunner, AFailedCallEndsTheRunAndKeepsTheConversation) {
    ToolFlow flow;
    flow.model_calls({{"1", "ok", ""}});
    flow.transport.reply_raw("us-west", 401, {}, error_body("invalid_api_key"));
    const auto run =
        run_tools(flow.client, a_question(), {{"ok", [](const std::string&) { return std::string("fine"); }}});
    ASSERT_THAT(run.answer, FailsWith(ErrorCode::unauthenticated));
    EXPECT_THAT(run.messages, SizeIs(3));
}

}  // namespace
}  // namespace holysheep::flow
