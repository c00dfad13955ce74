// The queue between the I/O thread and a reader: copies, order, bounds, wakeups.
#include "execution/stream_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace holysheep::execution {
namespace {

using testing::ElementsAre;

ChatChunk content(std::string_view text) { return {.event = ChunkEvent::content, .text = text}; }

struct QueueWithHooks {
    int room_calls = 0;
    int ready_calls = 0;
    StreamQueue queue{{.on_room = [this] { ++room_calls; }, .on_ready = [this] { ++ready_calls; }}};
};

TEST(StreamQueue, DeliversEventsInOrderThenTheResultOnce) {
    QueueWithHooks h;
    h.queue.on_chunk(content("a"));
    h.queue.on_chunk(content("b"));
    h.queue.on_done(ChatCompletion{.id = "x"});
    EXPECT_EQ(h.queue.wait_next()->text, "a");
    EXPECT_EQ(h.queue.wait_next()->text, "b");
    EXPECT_EQ(h.queue.wait_next(), nullptr);
    EXPECT_EQ(h.queue.wait_next(), nullptr) << "still at the end";
    const auto result = h.queue.take_result();
    ASSERT_TRUE(result);
    EXPECT_EQ(std::get<ChatCompletion>(*result).id, "x");
    EXPECT_FALSE(h.queue.take_result());
}

TEST(StreamQueue, CopiesEveryViewOfAnEvent) {
    QueueWithHooks h;
    {
        std::string bytes = "0123456789";
        const std::string_view view = bytes;
        Usage usage{.present = true, .total_tokens = 9};
        h.queue.on_chunk({.event = ChunkEvent::tool_call,
                          .choice = 2,
                          .text = view.substr(0, 2),
                          .tool_index = 3,
                          .tool_id = view.substr(2, 2),
                          .tool_name = view.substr(4, 2),
                          .tool_arguments = view.substr(6, 2),
                          .finish_reason = FinishReason::length,
                          .usage = &usage,
                          .raw_json = view.substr(8, 2)});
        h.queue.on_chunk({.event = ChunkEvent::usage, .usage = &usage});
        bytes.assign(10, '-');
        usage.total_tokens = 0;
    }
    const auto* chunk = h.queue.wait_next();
    EXPECT_EQ(chunk->event, ChunkEvent::tool_call);
    EXPECT_EQ(chunk->choice, 2);
    EXPECT_EQ(chunk->tool_index, 3);
    EXPECT_EQ(chunk->finish_reason, FinishReason::length);
    EXPECT_THAT((std::vector<std::string_view>{chunk->text, chunk->tool_id, chunk->tool_name, chunk->tool_arguments,
                                               chunk->raw_json}),
                ElementsAre("01", "23", "45", "67", "89"));
    ASSERT_NE(chunk->usage, nullptr);
    EXPECT_EQ(chunk->usage->total_tokens, 9);
    EXPECT_EQ(h.queue.wait_next()->usage->total_tokens, 9);
}

TEST(StreamQueue, PausesBeyondItsBoundAndResumesWhenThereIsRoom) {
    QueueWithHooks h;
    const std::string large(100 * 1024, 'x');
    EXPECT_TRUE(h.queue.on_chunk(content(large)));
    EXPECT_TRUE(h.queue.on_chunk(content(large)));
    EXPECT_FALSE(h.queue.on_chunk(content(large)));
    EXPECT_FALSE(h.queue.on_chunk(content("a little more"))) << "paused until the reader has caught up";
    EXPECT_EQ(h.room_calls, 0);
    h.queue.wait_next();
    EXPECT_EQ(h.room_calls, 1);
    EXPECT_TRUE(h.queue.on_chunk(content("next")));
    for (int i = 0; i < 4; ++i) h.queue.wait_next();
    EXPECT_EQ(h.room_calls, 1) << "notified once";
}

TEST(StreamQueue, CallsReadyOnlyAfterAnEmptyRead) {
    QueueWithHooks h;
    h.queue.on_chunk(content("a"));
    EXPECT_EQ(h.ready_calls, 1) << "no reader was waiting";
    h.queue.on_chunk(content("b"));
    EXPECT_EQ(h.ready_calls, 1) << "the reader was already notified";
    while (h.queue.poll().event != nullptr) {
    }
    h.queue.on_chunk(content("c"));
    EXPECT_EQ(h.ready_calls, 2);
    while (h.queue.poll().event != nullptr) {
    }
    h.queue.on_done(Error{});
    EXPECT_EQ(h.ready_calls, 3);
    EXPECT_TRUE(h.queue.poll().ended);
    EXPECT_TRUE(h.queue.take_result());
}

TEST(StreamQueue, AnEmptyReadGivesNoResult) {
    QueueWithHooks h;
    EXPECT_FALSE(h.queue.poll().ended);
    EXPECT_FALSE(h.queue.take_result());
}

TEST(StreamQueue, GivesNoResultWhileEventsAreUnread) {
    QueueWithHooks h;
    EXPECT_EQ(h.queue.poll().event, nullptr);
    h.queue.on_chunk(content("the last event"));
    h.queue.on_done(ChatCompletion{});
    EXPECT_FALSE(h.queue.take_result()) << "event and result arrived between the two calls of the reader";
    EXPECT_EQ(h.queue.poll().event->text, "the last event");
    EXPECT_FALSE(h.queue.take_result()) << "the last event is still in use";
    EXPECT_TRUE(h.queue.poll().ended);
    EXPECT_TRUE(h.queue.take_result());
}

void expect_everything(StreamQueue& queue) {
    std::jthread writer([&] {
        for (int i = 0; i < 10'000; ++i) queue.on_chunk(content(std::to_string(i)));
        queue.on_done(Error{});
    });
    int next = 0;
    while (const auto* chunk = queue.wait_next()) {
        ASSERT_EQ(chunk->text, std::to_string(next));
        ++next;
    }
    EXPECT_EQ(next, 10'000);
}

TEST(StreamQueue, AWaitingReaderReceivesAllEventsOfAnotherThread) {
    StreamQueue queue({});
    expect_everything(queue);
}

TEST(StreamQueue, AWaitingReaderSleepsUntilItsWakerNotifies) {
    std::shared_ptr<StreamQueue> queue;
    queue = std::make_shared<StreamQueue>(StreamQueue::Hooks{.on_room = {}, .on_ready = [&] { queue->wake(); }});
    expect_everything(*queue);
}

}  // namespace
}  // namespace holysheep::execution
