// The I/O thread: posting from any thread, timers, ready sockets, and an orderly end.
#include "runtime/io_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace holysheep::runtime {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::ElementsAre;

/// Runs a function on the loop's thread and waits for it.
template <class Function>
auto on_loop(IoLoop& loop, Function function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    loop.post([&task] { task(); });
    return result.get();
}

TEST(IoLoop, RunsPostedFunctionsOnItsOwnThreadInOrder) {
    IoLoop loop;
    std::vector<int> ran;
    for (int i = 0; i < 5; ++i) loop.post([&ran, i] { ran.push_back(i); });
    EXPECT_TRUE(on_loop(loop, [&] { return loop.on_loop_thread(); }));
    EXPECT_FALSE(loop.on_loop_thread());
    EXPECT_THAT(ran, ElementsAre(0, 1, 2, 3, 4));
}

TEST(IoLoop, LosesNoFunctionsPostedConcurrently) {
    IoLoop loop;
    constexpr int kThreads = 4;
    constexpr int kEach = 2'000;
    std::array<int, kThreads> last{};  // used on the loop's thread only
    int total = 0;
    bool in_order = true;
    {
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < kThreads; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 1; i <= kEach; ++i) {
                    loop.post([&, t, i] {
                        in_order = in_order && last[t] == i - 1;
                        last[t] = i;
                        ++total;
                    });
                }
            });
        }
    }
    EXPECT_EQ(on_loop(loop, [&] { return total; }), kThreads * kEach);
    EXPECT_TRUE(in_order);
}

TEST(IoLoop, FunctionsMayPostMoreFunctions) {
    IoLoop loop;
    std::promise<int> reached;
    loop.post([&] { loop.post([&] { loop.post([&] { reached.set_value(3); }); }); });
    EXPECT_EQ(reached.get_future().get(), 3);
}

TEST(IoLoop, TimersRunInOrderAndNotBeforeTheirTime) {
    IoLoop loop;
    std::promise<std::vector<int>> finished;
    std::vector<int> ran;
    bool early = false;
    loop.post([&] {
        const auto base = loop.now();
        const auto timer = [&](int name, milliseconds after) {
            loop.call_at(base + after, [&, name, due = base + after] {
                early = early || loop.now() < due;
                ran.push_back(name);
                if (ran.size() == 3) finished.set_value(ran);
            });
        };
        timer(3, 3ms);
        timer(1, 1ms);
        timer(2, 2ms);
    });
    EXPECT_THAT(finished.get_future().get(), ElementsAre(1, 2, 3));
    EXPECT_FALSE(early);
}

TEST(IoLoop, ACancelledTimerDoesNotRun) {
    IoLoop loop;
    bool ran = false;
    std::promise<void> later;
    loop.post([&] {
        const auto timer = loop.call_at(loop.now() + 1ms, [&] { ran = true; });
        loop.call_at(loop.now() + 2ms, [&] { later.set_value(); });
        loop.cancel(timer);
    });
    later.get_future().get();
    EXPECT_FALSE(ran);
}

TEST(IoLoop, ASelfRearmingTimerDoesNotStarvePostedFunctions) {
    IoLoop loop;
    int rounds = 0;
    std::function<void()> again = [&] {
        ++rounds;
        loop.call_at(loop.now(), again);
    };
    loop.post([&] { again(); });
    EXPECT_GE(on_loop(loop, [&] { return rounds; }), 1);
    loop.stop();  // before the objects that its timer captured are destroyed
}

TEST(IoLoop, ReportsAReadySocketUntilItIsUnwatched) {
    IoLoop loop;
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    std::promise<Readiness> ready;
    int calls = 0;
    loop.post([&] {
        loop.set_socket_handler([&](int fd, Readiness what) {
            ++calls;
            loop.unwatch(fd);
            if (fd == ends[0]) ready.set_value(what);
        });
        loop.add_work(1);  // without work the loop is parked and polls no socket
        loop.watch(ends[0], {.readable = true});
        loop.add_work(1);  // an idle loop is parked and polls nothing
    });
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    const auto what = ready.get_future().get();
    EXPECT_TRUE(what.readable);
    EXPECT_FALSE(what.writable);
    on_loop(loop, [] { return 0; });  // a whole round later the byte is still unread, and no handler was called
    EXPECT_EQ(on_loop(loop, [&] { return calls; }), 1);
    for (const int fd : ends) ::close(fd);
}

TEST(IoLoop, ASocketClosedWhileWatchedReportsNothing) {
    IoLoop loop;
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    int calls = 0;
    loop.post([&] {
        loop.set_socket_handler([&](int, Readiness) { ++calls; });
        loop.add_work(1);
        loop.watch(ends[0], {.readable = true});
        ::close(ends[0]);
    });
    ::close(ends[1]);
    for (int rounds = 0; rounds < 3; ++rounds) on_loop(loop, [] { return 0; });
    EXPECT_EQ(on_loop(loop, [&] { return calls; }), 0);
}

TEST(IoLoop, RunsOnACallersThreadWhileIdle) {
    IoLoop loop;
    std::vector<std::thread::id> ran;
    bool within = false;
    const auto note = [&] {
        ran.push_back(std::this_thread::get_id());
        within = loop.on_loop_thread();
        if (ran.size() == 1) loop.post([&] { ran.push_back(std::this_thread::get_id()); });
    };
    EXPECT_TRUE(loop.run_here(note, [&] { return ran.size() == 2; }));
    EXPECT_TRUE(within);
    EXPECT_FALSE(loop.on_loop_thread()) << "the thread was returned";
    EXPECT_THAT(ran, ElementsAre(std::this_thread::get_id(), std::this_thread::get_id()));
    EXPECT_NE(on_loop(loop, [] { return std::this_thread::get_id(); }), std::this_thread::get_id());
}

TEST(IoLoop, PollsSocketsBeforeATimerThatBecameDueMeanwhile) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    ASSERT_EQ(::write(ends[1], "ab", 2), 2);
    IoLoop loop;
    std::promise<void> fired;
    std::string received;
    loop.set_socket_handler([&](int fd, Readiness) {
        char byte = 0;
        ASSERT_EQ(::read(fd, &byte, 1), 1);
        received += byte;
        if (byte == 'b') return loop.unwatch(fd);
        // As if this function had taken so long that the timer is due now.
        loop.call_at(loop.now(), [&] {
            received += '!';
            fired.set_value();
        });
    });
    on_loop(loop, [&] {
        loop.watch(ends[0], {.readable = true});
        loop.add_work(1);  // an idle loop is parked and polls nothing
        return 0;
    });
    fired.get_future().get();
    EXPECT_EQ(received, "ab!");
    loop.stop();
    for (const int end : ends) ::close(end);
}

TEST(IoLoop, CannotBeBorrowedWhileRunning) {
    IoLoop loop;
    std::promise<void> busy;
    std::promise<void> go_on;
    loop.post([&] {
        busy.set_value();
        go_on.get_future().get();
    });
    busy.get_future().get();
    EXPECT_FALSE(loop.run_here([] { FAIL(); }, [] { return true; }));
    go_on.set_value();
    loop.stop();  // before the promises are destroyed
}

TEST(IoLoop, TakesOverFromABorrowedThreadWhenOtherWorkArrives) {
    IoLoop loop;
    const auto first = [&] {
        loop.add_work(1);
        loop.post([&] { loop.add_work(1); });  // as another call would
    };
    EXPECT_TRUE(loop.run_here(first, [] { return false; })) << "the loop is taken over before the work is done";
    std::promise<std::thread::id> timer;
    loop.post([&] {
        loop.call_at(loop.now(), [&] { timer.set_value(std::this_thread::get_id()); });
        loop.add_work(-2);
    });
    EXPECT_NE(timer.get_future().get(), std::this_thread::get_id());
}

TEST(IoLoop, ABorrowedThreadRunsTimersToo) {
    IoLoop loop;
    bool fired = false;
    EXPECT_TRUE(loop.run_here([&] { loop.call_at(loop.now() + 1ms, [&] { fired = true; }); }, [&] { return fired; }));
    EXPECT_TRUE(fired);
}

TEST(IoLoop, TheRoundHandlerRunsAfterPostedFunctions) {
    IoLoop loop;
    int rounds = 0;
    on_loop(loop, [&] {
        loop.set_round_handler([&] {
            ++rounds;
            return false;
        });
        return 0;
    });
    const int before = on_loop(loop, [&] { return rounds; });
    on_loop(loop, [] { return 0; });
    EXPECT_GT(on_loop(loop, [&] { return rounds; }), before);
    loop.stop();  // before the objects that its handler captured are destroyed
}

TEST(IoLoop, TheSleepHandlerRunsBeforeTheLoopSleepsIfARoundAskedForIt) {
    IoLoop loop;
    bool ask = false;
    int sleeps = 0;
    std::promise<void> second;
    on_loop(loop, [&] {
        loop.set_round_handler([&] { return std::exchange(ask, false); });
        loop.set_sleep_handler([&] {
            if (++sleeps == 1) second.set_value();
        });
        loop.add_work(1);  // so that it waits in its poll
        return 0;
    });
    on_loop(loop, [] { return 0; });
    EXPECT_EQ(on_loop(loop, [&] { return sleeps; }), 0);
    on_loop(loop, [&] {
        ask = true;
        return 0;
    });
    second.get_future().get();
    EXPECT_EQ(on_loop(loop, [&] { return sleeps; }), 1);
    on_loop(loop, [&] {
        loop.add_work(-1);
        ask = true;
        return 0;
    });
    loop.stop();
    EXPECT_EQ(sleeps, 2) << "the handler also runs before the loop ends";
}

TEST(IoLoop, SocketsThatAreAlwaysReadyDeferTheSleepHandlerByFewRounds) {
    IoLoop loop;
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    int rounds = 0;
    std::promise<int> sleeps;
    on_loop(loop, [&] {
        loop.set_socket_handler([](int, Readiness) {});
        loop.set_round_handler([&] {
            ++rounds;
            return true;
        });
        loop.set_sleep_handler([&, reported = false]() mutable {
            if (!std::exchange(reported, true)) sleeps.set_value(rounds);
        });
        loop.watch(ends[1], {.readable = false, .writable = true});
        loop.add_work(1);
        return 0;
    });
    const int after = sleeps.get_future().get();
    EXPECT_GT(after, 1);
    EXPECT_LE(after, 8);
    on_loop(loop, [&] {
        loop.unwatch(ends[1]);
        loop.add_work(-1);
        return 0;
    });
    loop.stop();
    for (const int end : ends) ::close(end);
}

TEST(IoLoop, StopRunsQueuedFunctionsAndNoneLater) {
    IoLoop loop;
    std::promise<void> hold;
    std::promise<void> held;
    int ran = 0;
    loop.post([&] {
        held.set_value();
        hold.get_future().get();
    });
    held.get_future().get();
    for (int i = 0; i < 10; ++i) loop.post([&] { ++ran; });
    std::jthread releaser([&] { hold.set_value(); });
    loop.stop();
    EXPECT_EQ(ran, 10);
    loop.post([&] { ++ran; });
    loop.stop();  // stopping twice does nothing
    EXPECT_EQ(ran, 10);
}

TEST(IoLoop, StopDoesNotWaitForTimers) {
    IoLoop loop;
    const auto captured = std::make_shared<bool>(false);
    on_loop(loop, [&] {
        loop.call_at(loop.now() + 24h, [captured] { *captured = true; });
        return 0;
    });
    loop.stop();
    EXPECT_FALSE(*captured);
}

}  // namespace
}  // namespace holysheep::runtime
