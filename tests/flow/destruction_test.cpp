// When a client is destroyed while other threads are inside its functions, each of them returns with `cancelled`.
#include <atomic>
#include <future>
#include <limits>
#include <thread>

#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::ElementsAre;

/// A client whose regions take every request and never answer.
struct SilentClient {
    std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
    std::shared_ptr<FakeTransport> transport = std::make_shared<FakeTransport>(*clock);
    std::unique_ptr<Client> client;

    explicit SilentClient(ClientOptions options = {}) {
        transport->hang("us-west").hang("eu-central");
        options.api_key = "k";
        options.regions = FakeTransport::regions({"us-west", "eu-central"});
        options.transport = transport;
        options.clock = clock;
        options.health.enabled = false;
        options.log.level = LogLevel::off;
        client = std::make_unique<Client>(std::move(options));
    }
    void wait_for_transfers(std::size_t count) const {
        while (transport->open_transfers() < count) std::this_thread::yield();
    }
};

/// Runs `use` on another thread, destroys the client once its requests have been sent, and returns the result of `use`.
template <class Use>
auto result_when_destroyed(std::size_t transfers, Use use) {
    SilentClient silent;
    auto result = std::async(std::launch::async, [&] { return use(*silent.client); });
    silent.wait_for_transfers(transfers);
    silent.client.reset();
    return result.get();
}

TEST(Destruction, EndsACallThatAnotherThreadWaitsFor) {
    EXPECT_THAT(result_when_destroyed(1, [](Client& client) { return client.chat(a_question()); }),
                FailsWith(ErrorCode::cancelled));
}

TEST(Destruction, EndsAListOfModelsThatAnotherThreadWaitsFor) {
    EXPECT_THAT(result_when_destroyed(1, [](Client& client) { return client.models(); }),
                FailsWith(ErrorCode::cancelled));
    EXPECT_THAT(result_when_destroyed(1, [](Client& client) { return client.verify_key(); }),
                FailsWith(ErrorCode::cancelled));
}

TEST(Destruction, EndsAWarmUpThatAnotherThreadWaitsFor) {
    EXPECT_THAT(result_when_destroyed(2, [](Client& client) { return client.warm_up({.deadline = 1h}); }),
                FailsWith(ErrorCode::all_regions_unavailable));
}

TEST(Destruction, EndsAProbeThatAnotherThreadWaitsFor) {
    const auto healths = result_when_destroyed(2, [](Client& client) { return client.probe({.deadline = 1h}); });
    EXPECT_THAT(healths, ::testing::SizeIs(2));
}

TEST(Destruction, EndsAStreamThatAnotherThreadReads) {
    const auto read = [](Client& client) { return client.stream_to(a_question(), [](const ChatChunk&) {}); };
    EXPECT_THAT(result_when_destroyed(1, read), FailsWith(ErrorCode::cancelled));
}

// The rule blocks the other thread after it entered the client and before it hands over its call. By the time it does,
// the client has ended all calls and is almost destroyed.
TEST(Destruction, ACallPostedAfterAllOthersWereCancelledIsCancelledToo) {
    for (const bool streaming : {false, true}) {
        std::promise<void> in_rule, ended;
        auto rule = [&](const ChatRequest& request) {
            if (request.model == "held") {
                in_rule.set_value();
                ended.get_future().wait();
            }
            return false;
        };
        SilentClient silent({.model_rules = {{.when = rule, .model = "other"}}, .callback_executor = run_inline});
        silent.client->chat_async(a_question(), {}, [&](const Result<ChatCompletion>&) { ended.set_value(); });
        auto late = std::async(std::launch::async, [&] {
            ChatRequest request = a_question();
            request.model = "held";
            return streaming ? silent.client->stream(request).finish() : silent.client->chat(request);
        });
        in_rule.get_future().wait();
        silent.client.reset();
        EXPECT_THAT(late.get(), FailsWith(ErrorCode::cancelled));
    }
}

TEST(Destruction, ACallbackOfACancelledCallMayStartAnotherCall) {
    std::vector<ErrorCode> codes;
    SilentClient silent({.callback_executor = run_inline});
    auto& client = *silent.client;
    client.chat_async(a_question(), {}, [&](const Result<ChatCompletion>& result) {
        codes.push_back(result.error().code);
        client.chat_async(a_question(), {},
                          [&](const Result<ChatCompletion>& second) { codes.push_back(second.error().code); });
    });
    silent.client.reset();
    EXPECT_THAT(codes, ElementsAre(ErrorCode::cancelled, ErrorCode::cancelled));
}

TEST(Destruction, KeepsBufferedEventsForTheReader) {
    SilentClient silent;
    silent.transport->clear("us-west").stream_stall("us-west", {"a", "b"});
    silent.transport->clear("eu-central").stream_stall("eu-central", {"a", "b"});
    auto stream = silent.client->stream(a_question());
    silent.client.reset();
    const auto answer = stream.finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::cancelled));
    EXPECT_EQ(answer.error().partial->text(), "ab");
}

}  // namespace
}  // namespace holysheep::flow
