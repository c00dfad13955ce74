// The heap of timers: order, cancelling, and the use of ids whose timers are gone.
#include "runtime/timer_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace holysheep::runtime {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Clock::time_point kStart{1h};

struct RunOrder {
    std::vector<int> ran{};
    std::function<void()> note(int name) {
        return [this, name] { ran.push_back(name); };
    }
    void run_due(TimerQueue& queue, Clock::time_point now) {
        while (auto function = queue.take_due(now)) function();
    }
};

TEST(TimerQueue, RunsInOrderOfTime) {
    TimerQueue queue;
    RunOrder order;
    for (const int after : {30, 10, 50, 20, 40}) queue.add(kStart + milliseconds(after), order.note(after));
    EXPECT_EQ(queue.next(), kStart + 10ms);
    order.run_due(queue, kStart + 1s);
    EXPECT_THAT(order.ran, ElementsAre(10, 20, 30, 40, 50));
    EXPECT_EQ(queue.next(), std::nullopt);
}

TEST(TimerQueue, TimersOfTheSameTimeRunInOrderOfCreation) {
    TimerQueue queue;
    RunOrder order;
    const auto dropped = queue.add(kStart, order.note(0));
    for (int i = 1; i <= 9; ++i) queue.add(kStart, order.note(i));
    queue.cancel(dropped);
    queue.add(kStart, order.note(10));  // takes the slot of the first
    order.run_due(queue, kStart);
    EXPECT_THAT(order.ran, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST(TimerQueue, ReturnsOnlyDueTimers) {
    TimerQueue queue;
    RunOrder order;
    queue.add(kStart + 10ms, order.note(1));
    EXPECT_FALSE(queue.take_due(kStart + 10ms - 1ns));
    EXPECT_TRUE(queue.take_due(kStart + 10ms));
    EXPECT_EQ(queue.size(), 0U);
}

TEST(TimerQueue, ACancelledTimerNeverRuns) {
    TimerQueue queue;
    RunOrder order;
    queue.add(kStart + 1ms, order.note(1));
    const auto second = queue.add(kStart + 2ms, order.note(2));
    queue.add(kStart + 3ms, order.note(3));
    EXPECT_TRUE(queue.cancel(second));
    order.run_due(queue, kStart + 1s);
    EXPECT_THAT(order.ran, ElementsAre(1, 3));
}

TEST(TimerQueue, IdsAreNeverZeroAndZeroCancelsNothing) {
    TimerQueue queue;
    EXPECT_NE(queue.add(kStart, [] {}), 0U);
    EXPECT_FALSE(queue.cancel(0));
    EXPECT_FALSE(queue.cancel(12345));
    EXPECT_EQ(queue.size(), 1U);
}

TEST(TimerQueue, AStaleIdDoesNotCancelTheNextTimerInItsSlot) {
    TimerQueue queue;
    RunOrder order;
    const auto ran = queue.add(kStart, order.note(1));
    order.run_due(queue, kStart);
    const auto reused = queue.add(kStart, order.note(2));
    EXPECT_NE(ran, reused);
    EXPECT_FALSE(queue.cancel(ran));
    const auto cancelled = reused;
    EXPECT_TRUE(queue.cancel(cancelled));
    queue.add(kStart, order.note(3));
    EXPECT_FALSE(queue.cancel(cancelled));
    order.run_due(queue, kStart);
    EXPECT_THAT(order.ran, ElementsAre(1, 3));
}

TEST(TimerQueue, ACancelledTimerDestroysItsCaptures) {
    TimerQueue queue;
    const auto captured = std::make_shared<int>(7);
    const auto id = queue.add(kStart, [captured] {});
    EXPECT_EQ(captured.use_count(), 2);
    queue.cancel(id);
    EXPECT_EQ(captured.use_count(), 1);
}

TEST(TimerQueue, AgreesWithAnOrderedMapOverThousandsOfRandomSteps) {
    using Key = std::pair<Clock::time_point, int>;
    TimerQueue queue;
    std::map<Key, TimerQueue::TimerId> model;
    std::mt19937 random(20);
    std::vector<int> ran;
    std::vector<int> expected;
    auto now = kStart;
    for (int step = 0; step < 20'000; ++step) {
        const auto choice = random() % 4;
        if (choice < 2) {
            const auto when = now + milliseconds(random() % 100);
            model.emplace(Key{when, step}, queue.add(when, [&ran, step] { ran.push_back(step); }));
        } else if (choice == 2 && !model.empty()) {
            const auto chosen = std::next(model.begin(), static_cast<std::ptrdiff_t>(random() % model.size()));
            ASSERT_TRUE(queue.cancel(chosen->second));
            ASSERT_FALSE(queue.cancel(chosen->second));
            model.erase(chosen);
        } else {
            now += milliseconds(random() % 10);
            while (auto function = queue.take_due(now)) function();
            while (!model.empty() && model.begin()->first.first <= now) {
                expected.push_back(model.begin()->first.second);
                model.erase(model.begin());
            }
        }
        ASSERT_EQ(queue.size(), model.size());
        if (model.empty()) {
            ASSERT_EQ(queue.next(), std::nullopt);
        } else {
            ASSERT_EQ(queue.next(), model.begin()->first.first);
        }
    }
    EXPECT_EQ(ran, expected);
}

}  // namespace
}  // namespace holysheep::runtime
