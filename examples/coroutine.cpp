// A conversation as a coroutine: every wait is a co_await, and no thread blocks. The Task below stands in for your
// own framework's coroutine type.
#include <coroutine>
#include <exception>
#include <future>
#include <holysheep/coroutine.hpp>
#include <holysheep/holysheep.hpp>
#include <iostream>

#include "arguments.hpp"

namespace {

struct Task {
    struct promise_type {
        std::promise<int> done;
        Task get_return_object() { return {done.get_future()}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_value(int value) { done.set_value(value); }
        void unhandled_exception() { done.set_exception(std::current_exception()); }
    };
    std::future<int> result;
};

Task converse(holysheep::Client& client) {
    holysheep::ChatRequest request{.model = "gpt-4.1", .messages = {holysheep::user("Name a breed of sheep.")}};
    auto first = co_await holysheep::chat(client, request);
    if (!first) {
        std::cerr << first.error() << '\n';
        co_return 1;
    }
    std::cout << first->text() << '\n';

    request.messages.push_back(first->choices.front().message);
    request.messages.push_back(holysheep::user("Where does it come from?"));
    holysheep::CallOptions options;
    options.deadline = std::chrono::seconds{30};
    auto second = co_await holysheep::chat(client, request, options);
    if (!second) {
        std::cerr << second.error() << '\n';
        co_return 1;
    }
    std::cout << second->text() << '\n';
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    check_arguments(
        argc, argv,
        "usage: coroutine\nAsks two questions from a coroutine.\n"
        "HOLYSHEEP_API_KEY, and HOLYSHEEP_BASE_URL or HOLYSHEEP_REGIONS, select the gateway. Calls are billed.\n");
    holysheep::Client client;
    return converse(client).result.get();
} catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
}
