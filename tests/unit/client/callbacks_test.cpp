// Where user callbacks run, and how their exceptions are handled.
#include "client/callbacks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "log_lines.hpp"

namespace holysheep::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Callbacks::Executor kInline = [](const std::function<void()>& function) { function(); };

TEST(Callbacks, RunInOrderOnTheirOwnThread) {
    LogLines lines;
    const auto callbacks = std::make_shared<Callbacks>(nullptr, lines.log(), true);
    std::vector<int> order;
    std::thread::id thread;
    bool on_own_thread = false;
    for (int i = 0; i < 3; ++i) callbacks->run([&, i] { order.push_back(i); }, i == 1);
    callbacks->run(
        [&] {
            thread = std::this_thread::get_id();
            on_own_thread = callbacks->on_own_thread();
        },
        false);
    callbacks->finish();
    EXPECT_THAT(order, ElementsAre(0, 1, 2));
    EXPECT_NE(thread, std::this_thread::get_id());
    EXPECT_TRUE(on_own_thread);
    EXPECT_FALSE(callbacks->on_own_thread());
    EXPECT_FALSE(callbacks->has_executor());
}

TEST(Callbacks, GoToTheExecutorIfThereIsOne) {
    LogLines lines;
    std::vector<std::function<void()>> given;
    const auto callbacks = std::make_shared<Callbacks>(
        [&](std::function<void()> function) { given.push_back(std::move(function)); }, lines.log(), true);
    int runs = 0;
    callbacks->run([&] { ++runs; }, true);
    callbacks->run([&] { ++runs; }, false);
    EXPECT_EQ(runs, 0);
    ASSERT_EQ(given.size(), 2U);
    for (const auto& function : given) function();
    EXPECT_EQ(runs, 2);
    EXPECT_TRUE(callbacks->has_executor());
}

TEST(Callbacks, CountAsCallbacksWhileAnExecutorRunsThemInline) {
    LogLines lines;
    const auto callbacks = std::make_shared<Callbacks>(kInline, lines.log(), false);
    const auto other = std::make_shared<Callbacks>(kInline, lines.log(), false);
    bool within = false, of_other = false, after_nested = false;
    callbacks->run(
        [&] {
            within = callbacks->on_own_thread();
            of_other = other->on_own_thread();
            other->run([] {}, false);
            after_nested = callbacks->on_own_thread();
        },
        false);
    EXPECT_TRUE(within);
    EXPECT_FALSE(of_other);
    EXPECT_TRUE(after_nested);
    EXPECT_FALSE(callbacks->on_own_thread());
}

TEST(Callbacks, RunHereCountsAsACallbackAndLogsExceptions) {
    LogLines lines;
    const auto callbacks = std::make_shared<Callbacks>(nullptr, lines.log(), false);
    bool within = false;
    callbacks->run_here([&] {
        within = callbacks->on_own_thread();
        throw std::runtime_error("a defect");
    });
    EXPECT_TRUE(within);
    EXPECT_FALSE(callbacks->on_own_thread());
    EXPECT_THAT(lines.all(), ElementsAre("an exception left a callback: a defect"));
}

TEST(Callbacks, LogAnExceptionAndRunTheNextOne) {
    for (const auto& executor : {Callbacks::Executor(), kInline}) {
        LogLines lines;
        const auto callbacks = std::make_shared<Callbacks>(executor, lines.log(), false);
        bool ran = false;
        callbacks->run([] { throw std::runtime_error("a defect"); }, false);
        callbacks->run([&] { ran = true; }, false);
        callbacks->finish();
        EXPECT_TRUE(ran);
        EXPECT_THAT(lines.all(), ElementsAre("an exception left a callback: a defect"));
    }
}

TEST(Callbacks, RunOnceOnTheirThreadIfTheExecutorThrows) {
    for (const bool runs_it_before : {false, true}) {
        LogLines lines;
        const auto callbacks = std::make_shared<Callbacks>(
            [&](const std::function<void()>& function) {
                if (runs_it_before) function();
                throw std::runtime_error("the pool is closed");
            },
            lines.log(), false);
        int runs = 0;
        callbacks->run([&] { ++runs; }, true);
        callbacks->finish();
        EXPECT_EQ(runs, 1);
        EXPECT_THAT(lines.all(), ElementsAre("an exception left callback_executor: the pool is closed"));
    }
}

TEST(Callbacks, DestroyTheirCapturesAfterRunning) {
    LogLines lines;
    std::function<void()> kept;  // by an executor that keeps its functions
    const auto callbacks = std::make_shared<Callbacks>(
        [&](std::function<void()> function) { kept = std::move(function); }, lines.log(), false);
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = held;
    callbacks->run([held = std::move(held)] {}, false);
    EXPECT_FALSE(watch.expired());
    kept();
    EXPECT_TRUE(watch.expired());
}

TEST(Guard, ReportsWhetherTheFunctionReturned) {
    LogLines lines;
    const auto callbacks = std::make_shared<Callbacks>(nullptr, lines.log(), false);
    EXPECT_TRUE(callbacks->guard([] {}));
    EXPECT_THAT(lines.all(), IsEmpty());
    EXPECT_FALSE(callbacks->guard([] { throw 1; }));
    EXPECT_THAT(lines.all(), ElementsAre("an exception left a callback"));
}

}  // namespace
}  // namespace holysheep::client
