// Many questions at once from one thread: futures, and callbacks with a limit on how many are in flight.
#include <exception>
#include <future>
#include <holysheep/holysheep.hpp>
#include <iostream>
#include <semaphore>
#include <string>
#include <vector>

int main() try {
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
    std::counting_semaphore<> room(8);
    int failed = 0;
    for (int i = 0; i < 32; ++i) {
        room.acquire();
        client.chat_async(
            {.model = "gpt-4.1", .messages = {holysheep::user("Count sheep number " + std::to_string(i) + ".")}},
            {.label = "counting"}, [&](const auto& reply) {
                if (!reply) ++failed;
                room.release();
            });
    }
    for (int i = 0; i < 8; ++i) room.acquire();
    std::cout << client.stats();
    return failed == 0 ? 0 : 1;
} catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
}
