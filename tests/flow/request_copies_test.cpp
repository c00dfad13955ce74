// Counts the large blocks that a call allocates: a request with megabytes of pictures is encoded once, and no attempt
// copies it. A program of its own, because it replaces operator new.
#include <atomic>
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

ChatRequest a_large_question() { return {.model = "gpt-4.1", .messages = {user(std::string(kLarge, 'w'))}}; }

/// The large blocks that are allocated during `call`.
template <class Call>
int large_blocks_of(Call call) {
    const int before = large_blocks;
    call();
    return large_blocks - before;
}

TEST(RequestCopies, ALargeRequestIsEncodedOnceAndNotCopied) {
    CallFlow flow({"us-west", "eu-central"});
    const auto request = a_large_question();
    EXPECT_EQ(large_blocks_of([&] { EXPECT_THAT(flow.client.chat(request), IsOk()); }), 1);
}

TEST(RequestCopies, FailoverSendsTheSameBytes) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::transport_failed);
    const auto request = a_large_question();
    EXPECT_EQ(large_blocks_of([&] { EXPECT_THAT(flow.client.chat(request), IsOk()); }), 1);
    const auto sent = flow.requests();
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].body.data(), sent[1].body.data());
}

TEST(RequestCopies, ARegionWithAnotherModelNameGetsABodyOfItsOwn) {
    CallFlow flow({}, {.regions = {{.id = "us-west", .model_map = {{"gpt-4.1", "deployment"}}}}});
    const auto request = a_large_question();
    EXPECT_EQ(large_blocks_of([&] { EXPECT_THAT(flow.client.chat(request), IsOk()); }), 2);
    EXPECT_THAT(std::string(flow.requests()[0].body.view().substr(0, 30)),
                ::testing::HasSubstr(R"("model":"deployment")"));
}

TEST(RequestCopies, ARawBodyIsTakenOver) {
    CallFlow flow({"us-west", "eu-central"});
    flow.transport.fail("us-west", ErrorCode::transport_failed).reply_raw("eu-central", 200, {}, "{}");
    RawRequest request{.path = "/embeddings", .body_json = "\"" + std::string(kLarge, 'w') + "\""};
    EXPECT_EQ(large_blocks_of([&] { EXPECT_THAT(flow.client.request(std::move(request)), IsOk()); }), 0);
}

}  // namespace
}  // namespace holysheep::flow
