// Sends many questions at once from one thread: with futures, and with callbacks that limit how many are in flight.
#include <exception>
#include <future>
#include <holysheep/holysheep.hpp>
#include <iostream>
#include <semaphore>
#include <string>
#include <vector>

#include "arguments.hpp"

int main(int argc, char** argv) try {
    check_arguments(
        argc, argv,
        "usage: async\nAsks three questions at once, then 32, at most eight of them at a time.\n"
        "HOLYSHEEP_API_KEY, and HOLYSHEEP_BASE_URL or HOLYSHEEP_REGIONS, select the gateway. Calls are billed.\n");
    holysheep::Client client;

    std::vector<std::future<holysheep::Result<holysheep::ChatCompletion>>> answers;
    for (const std::string breed : {"Merino", "Texel", "Suffolk"}) {
        answers.push_back(
            client.chat_async({.model = "gpt-4.1", .messages = {holysheep::user("Describe " + breed + " sheep.")}}));
    }
    for (auto& answer : answers) {
        const auto reply = answer.get();
        if (!reply) {
            std::cerr << reply.error() << '\n';
            return 1;
        }
        std::cout << reply->text() << '\n';
    }

    // Callbacks run on one thread of the client, so `failed` needs no lock.
    std::counting_semaphore<> slots(8);
    int failed = 0;
    for (int i = 0; i < 32; ++i) {
        slots.acquire();
        client.chat_async(
            {.model = "gpt-4.1", .messages = {holysheep::user("Count sheep number " + std::to_string(i) + ".")}},
            {.label = "counting"}, [&](const auto& reply) {
                if (!reply) ++failed;
                slots.release();
            });
    }
    for (int i = 0; i < 8; ++i) slots.acquire();
    std::cout << client.stats();
    return failed == 0 ? 0 : 1;
} catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
}
