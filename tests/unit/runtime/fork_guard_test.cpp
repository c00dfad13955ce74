// Whether an object notices that it is used in a forked child process.
#include "runtime/fork_guard.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace holysheep::runtime {
namespace {

/// The exit status of a child that runs the function; 255 if it did not exit by itself.
template <class Function>
int status_of_child(Function function) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(function());
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 255;
    return WEXITSTATUS(status);
}

TEST(ForkGuard, DetectsTheChild) {
    const ForkGuard guard;
    EXPECT_FALSE(guard.in_child());
    EXPECT_EQ(status_of_child([&] { return guard.in_child() ? 1 : 0; }), 1);
    EXPECT_FALSE(guard.in_child()) << "the parent is unaffected";
}

TEST(ForkGuard, AcceptsAnObjectCreatedInTheChild) {
    const ForkGuard before;
    EXPECT_EQ(status_of_child([] { return ForkGuard().in_child() ? 1 : 0; }), 0);
}

TEST(ForkGuard, DetectsEveryGeneration) {
    const ForkGuard guard;
    EXPECT_EQ(status_of_child([&] {
                  const ForkGuard in_child;
                  const int grandchild =
                      status_of_child([&] { return guard.in_child() && in_child.in_child() ? 1 : 0; });
                  return grandchild == 1 && !in_child.in_child() ? 1 : 0;
              }),
              1);
}

}  // namespace
}  // namespace holysheep::runtime
