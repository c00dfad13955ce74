// A slow reader slows the gateway down, is never mistaken for a stall, and can pause and resume at any time.
#include "call_flow.hpp"

namespace holysheep::flow {
namespace {

using ::testing::IsEmpty;

constexpr std::size_t kPieces = 40;
const std::string kPiece(20 * 1024, 'x');

TEST(BackPressure, AnUnreadStreamPausesTheTransfer) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.stream("us-west", std::vector<std::string>(kPieces, kPiece));
    auto stream = flow.client.stream(a_question());
    EXPECT_EQ(flow.transport.open_transfers(), 1U) << "800 KiB exceed the buffer";
    EXPECT_FALSE(flow.transport.requests()[0].ended);
    const auto answer = stream.finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text().size(), kPieces * kPiece.size());
    EXPECT_TRUE(flow.transport.requests()[0].ended);
}

TEST(BackPressure, BufferedEventsAreBounded) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.stream("us-west", std::vector<std::string>(kPieces, kPiece));
    auto stream = flow.client.stream(a_question());
    // Each event stores its text twice: on its own, and within the wire chunk it came from.
    std::size_t events = 0;
    flow.client.drain("us-west");  // does not affect a call in flight
    auto it = stream.begin();
    for (; it != stream.end() && events < 5; ++it) ++events;
    EXPECT_FALSE(flow.transport.requests()[0].ended);
    stream.cancel();
    EXPECT_THAT(stream.finish(), FailsWith(ErrorCode::cancelled));
}

TEST(BackPressure, ASlowReaderIsNotAStall) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.stream("us-west", std::vector<std::string>(kPieces, kPiece));
    auto stream = flow.client.stream(a_question());
    flow.clock.advance(4min);  // longer than any stall limit, shorter than timeouts.unread
    const auto answer = stream.finish();
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->text().size(), kPieces * kPiece.size());
}

TEST(BackPressure, AStallAfterASlowReaderIsStillDetected) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    flow.transport.stream_stall("us-west", std::vector<std::string>(kPieces, kPiece));
    auto stream = flow.client.stream(a_question());
    flow.clock.advance(4min);
    auto it = stream.begin();  // the first event is the role
    for (std::size_t read = 0; read < kPieces; ++read) ++it;
    EXPECT_EQ(it->event, ChunkEvent::content);
    flow.clock.advance(61s);
    EXPECT_THAT(stream.finish(), FailsWith(ErrorCode::stream_stalled));
}

/// The clock of a thread that was delayed: its time is later than the events that wait to be processed.
struct BusyClock final : Clock {
    explicit BusyClock(FakeClock& given) : clock(given) {}
    time_point now() const override { return std::max(clock.now(), busy_until); }
    TimerId call_at(time_point when, std::function<void()> function) override {
        return clock.call_at(when, std::move(function));
    }
    void cancel(TimerId timer) override { clock.cancel(timer); }
    void post(std::function<void()> function) override { clock.post(std::move(function)); }
    FakeClock& clock;
    time_point busy_until{};
};

struct Collected {
    std::vector<std::string> events{};
    std::optional<Result<ChatCompletion>> result{};
    std::size_t content() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(events, [](const auto& e) { return e.starts_with("content"); }));
    }
    auto on_chunk() {
        return [this](const ChatChunk& chunk) { events.push_back(describe(chunk)); };
    }
    auto on_done() {
        return [this](Result<ChatCompletion> done) { result.emplace(std::move(done)); };
    }
};

TEST(BackPressure, ASlowCallbackOnTheClientsThreadIsNotAStall) {
    FakeClock clock;
    const auto transport = std::make_shared<FakeTransport>(clock);
    const auto busy = std::make_shared<BusyClock>(clock);
    Client client({.api_key = "sk-test-key",
                   .regions = FakeTransport::regions({"us-west"}),
                   .health = {.enabled = false},
                   .timeouts = {.stall = 10s},
                   .callback_executor = run_inline,
                   .transport = transport,
                   .clock = busy});
    transport->stream("us-west", {"a", "b", "c", "d"}, {.timing = {.between = 6s}});
    Collected seen;
    auto handle = client.stream_async(
        a_question(), {},
        [&](const ChatChunk& chunk) {
            seen.on_chunk()(chunk);
            if (chunk.text == "b") busy->busy_until = clock.now() + 12s;  // "c" is then waiting to be read
        },
        seen.on_done());
    clock.advance(30s);
    ASSERT_TRUE(seen.result);
    EXPECT_THAT(*seen.result, IsOk());
}

TEST(StreamHandle, PausesAndResumes) {
    CallFlow flow({"us-west"}, {.callback_executor = run_inline}, CallFlow::kManual);
    flow.transport.stream("us-west", std::vector<std::string>(10, "x"), {.timing = {.between = 1s}});
    Collected seen;
    auto handle = flow.client.stream_async(a_question(), {}, seen.on_chunk(), seen.on_done());
    flow.clock.advance(2s);
    EXPECT_EQ(seen.content(), 3U);
    handle.pause();
    flow.clock.advance(4min);
    EXPECT_EQ(seen.content(), 3U) << "nothing arrives during the pause, and no stall is reported";
    EXPECT_FALSE(seen.result);
    handle.resume();
    flow.clock.advance(10s);
    EXPECT_EQ(seen.content(), 10U);
    ASSERT_TRUE(seen.result);
    EXPECT_THAT(*seen.result, IsOk());
}

TEST(StreamHandle, ResumeRestartsTheStallClock) {
    CallFlow flow({"us-west"}, {.callback_executor = run_inline}, CallFlow::kManual);
    flow.transport.stream("us-west", {"a", "b"}, {.timing = {.between = 100s}});
    Collected seen;
    auto handle = flow.client.stream_async(a_question(), {}, seen.on_chunk(), seen.on_done());
    handle.pause();
    flow.clock.advance(50s);
    handle.resume();
    flow.clock.advance(50s);
    ASSERT_TRUE(seen.result);
    EXPECT_THAT(*seen.result, IsOk()) << "the stream was paused for half of the silence";
}

TEST(StreamHandle, APauseBeforeTheFirstContentTakesEffectAfterIt) {
    CallFlow flow({"us-west"}, {.callback_executor = run_inline}, CallFlow::kManual);
    flow.transport.stream("us-west", {"a", "b", "c"}, {.timing = {.first_byte = 1s, .between = 1s}});
    Collected seen;
    auto handle = flow.client.stream_async(a_question(), {}, seen.on_chunk(), seen.on_done());
    handle.pause();
    flow.clock.advance(5min);
    EXPECT_EQ(seen.content(), 1U);
    handle.resume();
    flow.clock.advance(10s);
    EXPECT_EQ(seen.content(), 3U);
    EXPECT_TRUE(seen.result);
}

TEST(StreamHandle, ADeadlineAppliesToAPausedStream) {
    CallFlow flow({"us-west"}, {.callback_executor = run_inline}, CallFlow::kManual);
    flow.transport.stream("us-west", {"a", "b"}, {.timing = {.between = 1s}});
    Collected seen;
    auto handle = flow.client.stream_async(a_question(), {.deadline = 30s}, seen.on_chunk(), seen.on_done());
    handle.pause();
    flow.clock.advance(30s);
    ASSERT_TRUE(seen.result);
    EXPECT_THAT(*seen.result, FailsWith(ErrorCode::deadline_exceeded));
}

TEST(StreamHandle, CancelsInEveryState) {
    for (const bool paused : {false, true}) {
        CallFlow flow({"us-west"}, {.callback_executor = run_inline}, CallFlow::kManual);
        flow.transport.stream("us-west", std::vector<std::string>(10, "x"), {.timing = {.between = 1s}});
        Collected seen;
        auto handle = flow.client.stream_async(a_question(), {}, seen.on_chunk(), seen.on_done());
        flow.clock.advance(2s);
        if (paused) handle.pause();
        handle.cancel();
        ASSERT_TRUE(seen.result);
        EXPECT_THAT(*seen.result, FailsWith(ErrorCode::cancelled));
        ASSERT_TRUE(seen.result->error().partial);
        EXPECT_EQ(seen.result->error().partial->text(), "xxx");
        EXPECT_TRUE(flow.transport.requests()[0].cancelled);
        handle.cancel();
        handle.resume();
        handle.pause();
    }
}

TEST(StreamHandle, DroppingTheHandleDoesNotStopTheStream) {
    CallFlow flow({"us-west"}, {.callback_executor = run_inline});
    flow.transport.stream("us-west", {"a", "b"});
    Collected seen;
    { const auto dropped = flow.client.stream_async(a_question(), {}, seen.on_chunk(), seen.on_done()); }
    EXPECT_EQ(seen.content(), 2U);
    EXPECT_TRUE(seen.result);
    StreamHandle().cancel();  // a handle without a stream
}

TEST(StreamHandle, OutlivesItsClient) {
    StreamHandle handle;
    Collected seen;
    {
        CallFlow flow({"us-west"}, {.callback_executor = run_inline}, CallFlow::kManual);
        flow.transport.stream_stall("us-west", {"a"});
        handle = flow.client.stream_async(a_question(), {}, seen.on_chunk(), seen.on_done());
    }
    ASSERT_TRUE(seen.result);
    EXPECT_THAT(*seen.result, FailsWith(ErrorCode::cancelled));
    handle.cancel();
    handle.pause();
    handle.resume();
}

TEST(BackPressure, AThousandStreamsRunConcurrently) {
    CallFlow flow({"us-west"}, {.callback_executor = run_inline}, CallFlow::kManual);
    flow.transport.stream("us-west", {"a", "b", "c"}, {.timing = {.first_byte = 100ms, .between = 10ms}});
    int chunks = 0;
    int done = 0;
    for (int i = 0; i < 1'000; ++i) {
        flow.client.stream_async(
            a_question(), {}, [&](const ChatChunk& chunk) { chunks += chunk.event == ChunkEvent::content ? 1 : 0; },
            [&](const Result<ChatCompletion>& result) { done += result.has_value() ? 1 : 0; });
    }
    EXPECT_EQ(flow.transport.open_transfers(), 1'000U);
    flow.clock.advance(1s);
    EXPECT_EQ(chunks, 3'000);
    EXPECT_EQ(done, 1'000);
}

}  // namespace
}  // namespace holysheep::flow
