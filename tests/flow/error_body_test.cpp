// How long the client waits for an error's body. The test sends every transport event itself.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::HasSubstr;

/// Starts transfers and does nothing more.
class ManualTransport final : public Transport {
  public:
    struct Transfer {
        std::string url;
        TransferEvents* events;
        bool cancelled = false;
    };
    std::vector<Transfer> transfers{};
    Transfer& transfer(TransferId id) { return transfers[static_cast<std::size_t>(id) - 1]; }

    TransferId start(HttpRequest request, TransferEvents& events) override {
        transfers.push_back({std::move(request.url), &events});
        return transfers.size();
    }
    void cancel(TransferId id) override { transfer(id).cancelled = true; }
    void pause(TransferId) override {}
    void resume(TransferId) override {}
    std::optional<PathEvidence> evidence(TransferId) const override { return {}; }

    void head(TransferId id, int status) {
        transfer(id).events->may_send(id);
        transfer(id).events->on_head(id, {.status = status});
    }
    void body(TransferId id, const std::string& bytes) { transfer(id).events->on_body(id, bytes); }
    void end(TransferId id, TransferEnd how = {}) { transfer(id).events->on_end(id, std::move(how)); }
};

struct ManualFlow {
    std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
    std::shared_ptr<ManualTransport> transport = std::make_shared<ManualTransport>();
    Client client;
    std::future<Result<ChatCompletion>> answer;

    explicit ManualFlow(const std::vector<std::string>& regions)
        : client({.api_key = "k",
                  .regions = FakeTransport::regions(regions),
                  .health = {.enabled = false},
                  .log = {.level = LogLevel::off},
                  .transport = transport,
                  .clock = clock}),
          answer(client.chat_async(a_question())) {}
    std::size_t attempts() const { return transport->transfers.size(); }
};

TEST(ErrorBody, A5xxFailsOverBeforeItsBody) {
    ManualFlow flow({"us-west", "eu-central"});
    flow.transport->head(1, 503);
    EXPECT_EQ(flow.attempts(), 2U);
    EXPECT_FALSE(flow.transport->transfers[0].cancelled)
        << "the body is still read, so that the connection can be reused";
    flow.clock->advance(1s);
    EXPECT_TRUE(flow.transport->transfers[0].cancelled) << "for one second at most";
    flow.transport->head(2, 400);
    flow.transport->end(2);
    const auto failed = flow.answer.get();
    EXPECT_THAT(failed.error().attempts[0].detail, ::testing::Not(HasSubstr("empty body"))) << "the body was not read";
    EXPECT_THAT(failed.error().attempts[1].detail, HasSubstr("empty body"));
}

TEST(ErrorBody, A429WaitsTwentyMillisecondsForItsCode) {
    ManualFlow flow({"us-west", "eu-central"});
    flow.transport->head(1, 429);
    EXPECT_EQ(flow.attempts(), 1U) << "the body may say that the quota is used up";
    flow.clock->advance(20ms - 1ns);
    EXPECT_EQ(flow.attempts(), 1U);
    flow.clock->advance(1ns);
    EXPECT_EQ(flow.attempts(), 2U);
}

TEST(ErrorBody, ACodeThatArrivesInTimeDecides) {
    ManualFlow flow({"us-west", "eu-central"});
    flow.transport->head(1, 429);
    flow.clock->advance(10ms);
    flow.transport->body(1, error_body("insufficient_quota"));
    flow.transport->end(1);
    EXPECT_EQ(flow.attempts(), 1U);
    EXPECT_THAT(flow.answer.get(), FailsWith(ErrorCode::insufficient_quota));
}

TEST(ErrorBody, ALateBodyExplainsTheFailureOfTheOnlyRegion) {
    ManualFlow flow({"us-west"});
    flow.transport->head(1, 400);
    flow.clock->advance(900ms);
    flow.transport->body(1, error_body("invalid_value", "invalid_request_error", "temperature is too high"));
    flow.transport->end(1);
    const auto reply = flow.answer.get();
    ASSERT_THAT(reply, FailsWith(ErrorCode::invalid_request));
    EXPECT_THAT(reply.error().message, HasSubstr("temperature is too high"));
}

TEST(ErrorBody, APartialBodyIsUsedAfterTheWait) {
    ManualFlow flow({"us-west"});
    flow.transport->head(1, 400);
    flow.transport->body(1, error_body("invalid_value", "invalid_request_error", "temperature is too high"));
    flow.clock->advance(1s);
    ASSERT_TRUE(is_ready(flow.answer));
    EXPECT_THAT(flow.answer.get().error().message, HasSubstr("temperature is too high"));
}

TEST(ErrorBody, TheStatusDecidesIfTheConnectionBreaksWithinIt) {
    ManualFlow flow({"us-west", "eu-central"});
    flow.transport->head(1, 400);
    flow.transport->end(1, {.error = ErrorCode::transport_failed});
    EXPECT_THAT(flow.answer.get(), FailsWith(ErrorCode::invalid_request));
}

TEST(ErrorBody, ALongBodyIsReadUpToItsCode) {
    ManualFlow flow({"us-west"});
    flow.transport->head(1, 429);
    flow.transport->body(1, R"({"error":{"message":"you sent: )" + std::string(100'000, 'x'));
    flow.transport->body(1, R"(","code":"insufficient_quota"}})");
    flow.transport->end(1);
    EXPECT_THAT(flow.answer.get(), FailsWith(ErrorCode::insufficient_quota));
}

TEST(ErrorBody, AtMostEightKibibytesAreKept) {
    ManualFlow flow({"us-west"});
    flow.transport->head(1, 400);
    for (int i = 0; i < 100; ++i) flow.transport->body(1, std::string(1'024, 'x'));
    flow.transport->end(1);
    EXPECT_LE(flow.answer.get().error().raw_body.size(), 8U * 1'024U);
}

TEST(AnswerBody, ThatIsCompleteIsUsedAlthoughTheConnectionBreaks) {
    ManualFlow flow({"us-west", "eu-central"});
    flow.transport->head(1, 200);
    flow.transport->body(1, R"({"choices":[{"message":{"content":"Merino"},"finish_reason":"stop"}]})");
    flow.transport->end(1, {.error = ErrorCode::transport_failed});
    ASSERT_TRUE(is_ready(flow.answer));
    const auto answer = flow.answer.get();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text(), "Merino");
    EXPECT_EQ(flow.attempts(), 1U);
}

TEST(AnswerBody, ThatIsACompleteErrorIsUsedAlthoughTheConnectionBreaks) {
    ManualFlow flow({"us-west", "eu-central"});
    flow.transport->head(1, 200);
    flow.transport->body(1, error_body("insufficient_quota"));
    flow.transport->end(1, {.error = ErrorCode::transport_failed});
    ASSERT_TRUE(is_ready(flow.answer));
    EXPECT_THAT(flow.answer.get(), FailsWith(ErrorCode::insufficient_quota));
    EXPECT_EQ(flow.attempts(), 1U);
}

TEST(AnswerBody, ThatIsTruncatedFailsOver) {
    ManualFlow flow({"us-west", "eu-central"});
    flow.transport->head(1, 200);
    flow.transport->body(1, R"({"choices":[{"message":{"content":"Merino"},"finish_reason":"stop"}])");
    flow.transport->end(1, {.error = ErrorCode::transport_failed});
    EXPECT_EQ(flow.attempts(), 2U);
}

}  // namespace
}  // namespace holysheep::flow
