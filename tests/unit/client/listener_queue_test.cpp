// The queue of one listener: its order, its bound, and what happens to exceptions.
#include "client/listener_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "log_lines.hpp"

namespace holysheep::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Recording final : EventListener {
    std::vector<int> numbers;
    void on_attempt(const AttemptRecord& attempt) override { numbers.push_back(attempt.number); }
};

ListenerQueue::Delivery attempt_numbered(int number) {
    return [number](EventListener& listener) { listener.on_attempt({.number = number}); };
}

/// A queue whose executor keeps its functions until the test runs them.
struct QueueOnExecutor {
    explicit QueueOnExecutor(std::size_t most)
        : queue(std::make_shared<ListenerQueue>(listener, callbacks, most, dropped)) {}
    void run_one() {
        const auto function = std::move(given.front());
        given.pop_front();
        function();
    }

    LogLines lines;
    std::deque<std::function<void()>> given;
    std::shared_ptr<Recording> listener = std::make_shared<Recording>();
    std::shared_ptr<std::atomic<std::uint64_t>> dropped = std::make_shared<std::atomic<std::uint64_t>>(0);
    std::shared_ptr<Callbacks> callbacks = std::make_shared<Callbacks>(
        [this](std::function<void()> function) { given.push_back(std::move(function)); }, lines.log(), false);
    std::shared_ptr<ListenerQueue> queue;
};

TEST(ListenerQueue, DeliversInOrderAndSchedulesOneTaskForAll) {
    QueueOnExecutor test(10);
    for (int i = 1; i <= 3; ++i) test.queue->push(attempt_numbered(i));
    EXPECT_EQ(test.given.size(), 1U);
    EXPECT_THAT(test.listener->numbers, IsEmpty());
    test.run_one();
    EXPECT_THAT(test.listener->numbers, ElementsAre(1, 2, 3));
    EXPECT_THAT(test.given, IsEmpty());
    test.queue->push(attempt_numbered(4));
    test.run_one();
    EXPECT_THAT(test.listener->numbers, ElementsAre(1, 2, 3, 4));
}

TEST(ListenerQueue, DropsAndCountsRecordsWhenFull) {
    QueueOnExecutor test(2);
    for (int i = 1; i <= 5; ++i) test.queue->push(attempt_numbered(i));
    EXPECT_EQ(*test.dropped, 3U);
    test.run_one();
    EXPECT_THAT(test.listener->numbers, ElementsAre(1, 2)) << "the oldest records are kept";
    test.queue->push(attempt_numbered(6));
    test.run_one();
    EXPECT_THAT(test.listener->numbers, ElementsAre(1, 2, 6));
    EXPECT_EQ(*test.dropped, 3U);
}

TEST(ListenerQueue, YieldsTheExecutorAfter256Records) {
    QueueOnExecutor test(1'000);
    for (int i = 1; i <= 300; ++i) test.queue->push(attempt_numbered(i));
    test.run_one();
    EXPECT_EQ(test.listener->numbers.size(), 256U);
    ASSERT_EQ(test.given.size(), 1U);
    test.run_one();
    EXPECT_EQ(test.listener->numbers.size(), 300U);
    EXPECT_THAT(test.given, IsEmpty());
}

TEST(ListenerQueue, LogsAnExceptionAndDeliversTheNextRecord) {
    QueueOnExecutor test(10);
    test.queue->push([](EventListener&) { throw std::runtime_error("a full disk"); });
    test.queue->push(attempt_numbered(2));
    test.run_one();
    EXPECT_THAT(test.listener->numbers, ElementsAre(2));
    EXPECT_THAT(test.lines.all(), ElementsAre("an exception left a listener: a full disk"));
}

TEST(ListenerQueue, DeliversOnItsOwnThreadWithoutAnExecutor) {
    for (const bool in_rounds : {false, true}) {
        LogLines lines;
        const auto listener = std::make_shared<Recording>();
        const auto dropped = std::make_shared<std::atomic<std::uint64_t>>(0);
        const auto callbacks = std::make_shared<Callbacks>(nullptr, lines.log(), in_rounds);
        const auto queue = std::make_shared<ListenerQueue>(listener, callbacks, 100, dropped);
        for (int i = 1; i <= 3; ++i) queue->push(attempt_numbered(i));
        std::promise<bool> last;
        auto on_own_thread = last.get_future();
        queue->push([&](EventListener&) { last.set_value(queue->on_own_thread()); });
        queue->wake();
        ASSERT_EQ(on_own_thread.wait_for(std::chrono::seconds(30)), std::future_status::ready);
        EXPECT_TRUE(on_own_thread.get());
        EXPECT_FALSE(queue->on_own_thread());
        EXPECT_THAT(listener->numbers, ElementsAre(1, 2, 3));
        queue->finish();
    }
}

}  // namespace
}  // namespace holysheep::client
