// Limits on the memory, threads and connections that a slow or hung program or a hostile gateway can use. Items beyond
// a limit are dropped and counted.
#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "call_flow.hpp"
#include "peak_memory.hpp"

namespace holysheep::flow {
namespace {

using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Optional;
using ::testing::SizeIs;

/// Blocks hung hooks; opens at the end of the test at the latest.
class Gate {
  public:
    Gate() : opened_(promise_.get_future().share()) {}
    ~Gate() { open(); }
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    void open() {
        if (!std::exchange(open_, true)) promise_.set_value();
    }
    std::shared_future<void> shared() const { return opened_; }

  private:
    std::promise<void> promise_;
    std::shared_future<void> opened_;
    bool open_ = false;
};

/// Blocks on every record until the gate opens.
struct HungListener final : EventListener {
    explicit HungListener(std::shared_future<void> gate) : opened(std::move(gate)) {}
    void on_call(const CallRecord&) override {
        if (!entered.exchange(true)) blocked.set_value();
        opened.wait();
        ++calls;
    }
    std::shared_future<void> opened;
    std::promise<void> blocked;
    std::atomic<bool> entered{false};
    std::atomic<int> calls{0};
};

struct CountingListener final : EventListener {
    void on_call(const CallRecord&) override {
        if (++calls == 5) five.set_value();
    }
    std::promise<void> five;
    std::atomic<int> calls{0};
};

TEST(Bounds, AChunkOfManyDeltasIsStoredOnce) {
    CallFlow flow({"us-west"}, {}, CallFlow::kManual);
    std::string chunk = R"(data: {"id":"c","choices":[)";
    for (int i = 0; i < 8'000; ++i) {
        if (i != 0) chunk += ',';
        chunk += R"({"index":0,"delta":{"content":"wool, and wool again"}})";
    }
    chunk += "]}\n\n";
    flow.transport.stream_bytes(
        "us-west",
        {chunk, "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
         "data: [DONE]\n\n"});
    const PeakMemory memory;
    auto stream = flow.client.stream(a_question());
    flow.clock.advance(1s);
    int pieces = 0;
    for (const auto& event : stream) {
        if (event.event != ChunkEvent::content) continue;
        ++pieces;
        ASSERT_EQ(event.raw_json.size() + 8, chunk.size()) << "each event still has its whole chunk";
    }
    EXPECT_EQ(pieces, 8'000);
    EXPECT_THAT(stream.finish(), IsOk());
    EXPECT_THAT(memory.growth(), Optional(Le(100U)));
}

TEST(Bounds, AHungListenerBlocksNoCallsOtherListenersKeysOrDestructor) {
    Gate gate;
    const auto hung = std::make_shared<HungListener>(gate.shared());
    const auto other = std::make_shared<CountingListener>();
    std::atomic<int> keys{0};
    {
        // Manual mode: no deadline passes while another thread fetches the key.
        const auto clock = std::make_shared<FakeClock>(FakeClock::Mode::manual);
        const auto transport = std::make_shared<FakeTransport>(*clock);
        transport->reply("us-west", "hello");
        Client client({.key_source =
                           [&] {
                               ++keys;
                               return std::string("k");
                           },
                       .regions = FakeTransport::regions({"us-west"}),
                       .health = {.enabled = false},
                       .log = {.level = LogLevel::off},
                       .listeners = {hung, other},
                       .transport = transport,
                       .clock = clock});
        EXPECT_THAT(client.chat_async(a_question()).get(), IsOk());
        wait_for_result(hung->blocked);
        transport->clear("us-west").reply_raw("us-west", 401, {}, "{}").reply("us-west", "hello");
        for (int i = 0; i < 4; ++i) EXPECT_THAT(client.chat_async(a_question()).get(), IsOk());
        EXPECT_EQ(keys, 2) << "asked again after the 401, although the listener hangs";
        wait_for_result(other->five);
    }
    EXPECT_EQ(hung->calls, 0) << "the destructor does not wait for the hung listener";
}

TEST(Bounds, RecordsBeyondAListenersQueueAreDroppedAndCounted) {
    Gate gate;
    const auto hung = std::make_shared<HungListener>(gate.shared());
    CallFlow flow({"us-west"}, {.listeners = {hung}, .queues = {.listener_records = 3}});
    flow.transport.reply("us-west", "hello");
    EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    wait_for_result(hung->blocked);
    for (int i = 0; i < 10; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    const auto stats = flow.client.stats();
    EXPECT_EQ(stats.dropped.listener_records, 7U);
    EXPECT_THAT(stats.to_json(), HasSubstr(R"("listener_records":7)"));
    EXPECT_THAT(stats.to_prometheus(), HasSubstr("holysheep_dropped_total{kind=\"listener_record\"} 7\n"));
}

TEST(Bounds, TheDestructorDeliversQueuedRecords) {
    const auto listener = std::make_shared<CountingListener>();
    {
        CallFlow flow({"us-west"}, {.listeners = {listener}});
        flow.transport.reply("us-west", "hello");
        for (int i = 0; i < 100; ++i) EXPECT_THAT(flow.client.chat(a_question()), IsOk());
    }
    EXPECT_EQ(listener->calls, 100);
}

TEST(Bounds, AFullCallbackQueueRefusesFurtherCalls) {
    Gate gate;
    std::promise<void> blocked;
    std::atomic<int> ok{0};
    {
        CallFlow flow({"us-west"}, {.queues = {.callbacks = 2}});
        flow.transport.reply("us-west", "hello");
        flow.client.chat_async(a_question(), {}, [&](const Result<ChatCompletion>&) {
            blocked.set_value();
            gate.shared().wait();
        });
        wait_for_result(blocked);
        const auto count = [&](const Result<ChatCompletion>& result) { ok += result.has_value() ? 1 : 0; };
        for (int i = 0; i < 2; ++i) flow.client.chat_async(a_question(), {}, count);
        std::optional<Error> refused;
        const auto here = std::this_thread::get_id();
        const auto expect_refused = [&](const Result<ChatCompletion>& result) {
            EXPECT_EQ(std::this_thread::get_id(), here);
            if (!result) refused = result.error();
        };
        flow.client.chat_async(a_question(), {}, expect_refused);
        ASSERT_TRUE(refused);
        EXPECT_EQ(refused->code, ErrorCode::rate_limited_locally);
        EXPECT_THAT(refused->message, HasSubstr("queues.callbacks"));
        flow.client.stream_async(
            a_question(), {}, [](const ChatChunk&) {}, expect_refused);
        EXPECT_EQ(flow.client.stats().dropped.callback_calls, 2U);
        EXPECT_THAT(flow.client.chat(a_question()), IsOk()) << "a blocking call needs no callback";
        gate.open();
    }
    EXPECT_EQ(ok, 2);
}

TEST(Bounds, AnUnreadStreamIsCancelledAndReleasesItsPermit) {
    CallFlow flow({"us-west"}, {.timeouts = {.unread = 10s}, .concurrency = {.max_per_region = 1}}, CallFlow::kManual);
    const std::string piece(100 * 1024, 'x');
    flow.transport.stream("us-west", std::vector<std::string>(10, piece), {.timing = {.between = 1ms}});
    auto held = flow.client.stream(a_question());
    flow.clock.advance(5s);
    EXPECT_EQ(flow.transport.open_transfers(), 1U) << "timeouts.unread has not passed yet";
    flow.clock.advance(6s);
    EXPECT_EQ(flow.transport.open_transfers(), 0U);
    EXPECT_EQ(flow.client.stats().dropped.unread_streams, 1U);
    const auto answer = held.finish();
    ASSERT_THAT(answer, FailsWith(ErrorCode::cancelled));
    EXPECT_THAT(answer.error().message, HasSubstr("timeouts.unread"));
    EXPECT_TRUE(answer.error().partial);
}

TEST(Bounds, APausedStreamIsCancelledUnlessItIsResumedInTime) {
    for (const bool resumed : {false, true}) {
        CallFlow flow({"us-west"}, {.timeouts = {.unread = 10s}, .callback_executor = run_inline}, CallFlow::kManual);
        flow.transport.stream("us-west", {"a", "b", "c"}, {.timing = {.between = 1s}});
        std::optional<ErrorCode> ended;
        bool done = false;
        auto handle = flow.client.stream_async(
            a_question(), {}, [](const ChatChunk&) {},
            [&](const Result<ChatCompletion>& result) {
                done = true;
                if (!result) ended = result.error().code;
            });
        flow.clock.advance(1500ms);
        handle.pause();
        flow.clock.advance(9s);
        if (resumed) handle.resume();
        flow.clock.advance(15s);
        EXPECT_TRUE(done);
        EXPECT_EQ(ended, resumed ? std::optional<ErrorCode>() : ErrorCode::cancelled);
    }
}

TEST(Bounds, ParallelToolsRunOnAtMostMaxParallelThreads) {
    CallFlow flow({"us-west"});
    std::string calls;
    for (int i = 0; i < 200; ++i) {
        calls += (i == 0 ? "" : ",") + (R"({"id":")" + std::to_string(i)) +
                 R"(","type":"function","function":{"name":"t","arguments":"{}"}})";
    }
    flow.transport
        .reply_raw("us-west", 200, {},
                   R"({"choices":[{"message":{"role":"assistant","tool_calls":[)" + calls +
                       R"(]},"finish_reason":"tool_calls"}]})")
        .reply("us-west", "done");
    std::mutex mutex;
    std::set<std::thread::id> threads;
    const auto run = run_tools(flow.client, a_question(),
                               {{"t",
                                 [&](const std::string&) -> Result<std::string> {
                                     const std::lock_guard lock(mutex);
                                     threads.insert(std::this_thread::get_id());
                                     return std::string("ok");
                                 }}},
                               {.parallel = true, .max_parallel = 3});
    ASSERT_THAT(run.answer, IsOk());
    EXPECT_THAT(threads, SizeIs(Le(3U)));
    EXPECT_THAT(run.messages, SizeIs(203));
}

}  // namespace
}  // namespace holysheep::flow
