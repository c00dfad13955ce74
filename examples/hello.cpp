// One question, one answer. HOLYSHEEP_API_KEY, and HOLYSHEEP_BASE_URL or HOLYSHEEP_REGIONS, choose the gateway.
#include <exception>
#include <holysheep/holysheep.hpp>
#include <iostream>

#include "arguments.hpp"

int main(int argc, char** argv) try {
    check_arguments(
        argc, argv,
        "usage: hello\nAsks one question and prints the answer.\n"
        "HOLYSHEEP_API_KEY, and HOLYSHEEP_BASE_URL or HOLYSHEEP_REGIONS, select the gateway. Calls are billed.\n");
    holysheep::Client client;
    auto reply = client.chat({.model = "gpt-4.1", .messages = {holysheep::user("Which sheep gives the finest wool?")}});
    if (!reply) {
        std::cerr << reply.error() << '\n';
        return 1;
    }
    std::cout << reply->text() << '\n';
} catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
}
