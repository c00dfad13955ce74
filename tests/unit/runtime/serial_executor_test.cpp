// The callback thread: functions run in order and one at a time, and none in the queue is lost at the end.
#include "runtime/serial_executor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <numeric>
#include <thread>

namespace holysheep::runtime {
namespace {

using namespace std::chrono_literals;

using testing::ElementsAre;

TEST(SerialExecutor, RunsFunctionsInOrderOnItsOwnThread) {
    SerialExecutor executor;
    std::vector<int> ran;
    std::thread::id id;
    bool own = false;
    executor.post([&] {
        id = std::this_thread::get_id();
        own = executor.on_own_thread();
    });
    for (int i = 0; i < 3; ++i) executor.post([&ran, i] { ran.push_back(i); });
    executor.finish();
    EXPECT_THAT(ran, ElementsAre(0, 1, 2));
    EXPECT_NE(id, std::this_thread::get_id());
    EXPECT_TRUE(own);
    EXPECT_FALSE(executor.on_own_thread());
}

TEST(SerialExecutor, HasNoThreadBeforeItsFirstFunction) {
    SerialExecutor executor;
    EXPECT_FALSE(executor.on_own_thread());
    executor.finish();  // nothing to wait for
}

TEST(SerialExecutor, FinishRunsQueuedFunctionsAndWhatTheyPost) {
    SerialExecutor executor;
    std::promise<void> hold;
    int ran = 0;
    executor.post([&] { hold.get_future().get(); });
    executor.post([&] {
        ++ran;
        executor.post([&] { ++ran; });
    });
    hold.set_value();
    executor.finish();
    EXPECT_EQ(ran, 2);
}

TEST(SerialExecutor, TakesFunctionsFromManyThreads) {
    SerialExecutor executor;
    int ran = 0;  // needs no lock: used on the executor's thread only
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 1'000; ++i) executor.post([&] { ++ran; });
            });
        }
    }
    executor.finish();
    EXPECT_EQ(ran, 4'000);
}

TEST(SerialExecutor, WakesOnlyASleepingThread) {
    SerialExecutor executor;
    std::promise<void> first;
    executor.post([&] { first.set_value(); });
    first.get_future().get();
    std::promise<void> second;
    // The thread may still be about to sleep; then it finds the function without being woken.
    executor.enqueue([&] { second.set_value(); });
    if (executor.owes_wakeup()) {
        executor.wake();
        EXPECT_FALSE(executor.owes_wakeup());
    }
    second.get_future().get();
}

TEST(SerialExecutor, CapturesAreDestroyedBeforeTheNextFunctionRuns) {
    SerialExecutor executor;
    auto captured = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = captured;
    bool alive_within = false;
    bool alive_after = true;
    std::promise<void> queued;
    executor.post([&queued] { queued.get_future().get(); });
    executor.post([held = std::move(captured), &watch, &alive_within] { alive_within = held && !watch.expired(); });
    executor.post([&] { alive_after = !watch.expired(); });
    queued.set_value();
    executor.finish();
    EXPECT_TRUE(alive_within);
    EXPECT_FALSE(alive_after);
}

TEST(SerialExecutor, AbandonmentFreesPendingFunctions) {
    std::promise<void> hung, go_on, freed;
    {
        SerialExecutor executor;
        executor.post([&hung, go_on = go_on.get_future().share()] {
            hung.set_value();
            go_on.wait();
        });
        hung.get_future().wait();
        executor.post([held = std::shared_ptr<void>(nullptr, [&freed](void*) { freed.set_value(); })] { FAIL(); });
        EXPECT_FALSE(executor.finish_or_leave(0ms, 0ms));
        bool dropped = false;
        executor.post([held = std::shared_ptr<void>(nullptr, [&dropped](void*) { dropped = true; })] { FAIL(); });
        EXPECT_TRUE(dropped) << "posted after the thread was abandoned";
    }
    go_on.set_value();
    freed.get_future().wait();
}

}  // namespace
}  // namespace holysheep::runtime
