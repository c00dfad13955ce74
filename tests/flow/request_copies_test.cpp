// Counts the large blocks that a call allocates: a request with megabytes of pictures is encoded once, and no attempt
// copies it. A program of its own, because it replaces operator new.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "call_flow.hpp"

namespace {

constexpr std::size_t kLarge = 4'000'000;
std::atomic<int> large_blocks{0};

}  // namespace

void* operator new(std::size_t size) {
    if (size >= kLarge) ++large_blocks;
    if (void* block = std::malloc(size)) return block;
    throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace holysheep::flow {
namespace {

/// Keeps the bodies and passes small ones on, because FakeTransport parses and copies what it gets.
class BodyRecorder final : public Transport {
  public:
    explicit BodyRecorder(FakeClock& clock) : fake(clock) {}
    TransferId start(HttpRequest request, TransferEvents& events) override {
        bodies.push_back(std::exchange(request.body, R"({"model":"gpt-4.1"})"));
        return fake.start(std::move(request), events);
    }
    void cancel(TransferId id) override { fake.cancel(id); }
    void pause(TransferId id) override { fake.pause(id); }
    void resume(TransferId id) override { fake.resume(id); }
    std::optional<PathEvidence> evidence(TransferId id) const override { return fake.evidence(id); }

    FakeTransport fake;
    std::vector<RequestBody> bodies;
};

struct LargeCall {
    explicit LargeCall(std::vector<Region> regions)
        : client({.api_key = "sk-test-key",
                  .regions = std::move(regions),
                  .health = {.enabled = false},
                  .transport = transport,
                  .clock = clock}) {}

    std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>(FakeClock::Mode::automatic);
    std::shared_ptr<BodyRecorder> transport = std::make_shared<BodyRecorder>(*clock);
    Client client;
    const ChatRequest request{.model = "gpt-4.1", .messages = {user(std::string(kLarge, 'w'))}};

    /// The large blocks that one call allocates.
    int blocks_of_chat() {
        const int before = large_blocks;
        EXPECT_THAT(client.chat(request), IsOk());
        return large_blocks - before;
    }
};

TEST(RequestCopies, ALargeRequestIsEncodedOnceAndNotCopied) {
    LargeCall call(FakeTransport::regions({"us-west"}));
    call.transport->fake.reply("us-west", "Merino.");
    EXPECT_EQ(call.blocks_of_chat(), 1);
}

TEST(RequestCopies, FailoverSendsTheSameBytes) {
    auto regions = FakeTransport::regions({"us-west", "eu-central"});
    regions[1].tier = 1;
    LargeCall call(std::move(regions));
    call.transport->fake.fail("us-west", ErrorCode::transport_failed).reply("eu-central", "Merino.");
    EXPECT_EQ(call.blocks_of_chat(), 1);
    const auto& sent = call.transport->bodies;
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].data(), sent[1].data());
}

TEST(RequestCopies, ARegionWithAnotherModelNameGetsABodyOfItsOwn) {
    auto regions = FakeTransport::regions({"us-west"});
    regions[0].model_map = {{"gpt-4.1", "deployment"}};
    LargeCall call(std::move(regions));
    call.transport->fake.reply("us-west", "Merino.");
    EXPECT_EQ(call.blocks_of_chat(), 2);
    EXPECT_TRUE(call.transport->bodies[0].view().starts_with(R"({"model":"deployment",)"));
}

TEST(RequestCopies, ARawBodyIsTakenOver) {
    LargeCall call(FakeTransport::regions({"us-west"}));
    call.transport->fake.reply_raw("us-west", 200, {}, "{}");
    RawRequest request{.method = "POST", .path = "/embeddings", .body_json = "\"" + std::string(kLarge, 'w') + "\""};
    const int before = large_blocks;
    EXPECT_THAT(call.client.request(std::move(request)), IsOk());
    EXPECT_EQ(large_blocks - before, 0);
}

}  // namespace
}  // namespace holysheep::flow
