// A small chat program for the terminal, with history and streaming. /reset clears the history, /stats shows the
// regions, /quit ends the program.
//   chat [model]
// Ctrl-C stops the current answer; without one it ends the program.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <holysheep/holysheep.hpp>
#include <iostream>
#include <string>

#include "arguments.hpp"

namespace {

std::atomic<bool> interrupted{false};  // lock-free, so that a signal handler may set it

void on_interrupt(int) {
    if (interrupted.exchange(true)) std::_Exit(130);
}

// Streams one answer to the terminal and adds it to the history. A cut answer is kept, with a note that it was cut.
void answer(holysheep::Client& client, holysheep::ChatRequest& conversation) {
    interrupted = false;
    auto stream = client.stream(conversation);
    bool thinking = false;
    for (const auto& chunk : stream) {
        if (interrupted) stream.cancel();
        if (chunk.event == holysheep::ChunkEvent::reasoning && !thinking) {
            std::cerr << "(thinking)\n";
            thinking = true;
        }
        std::cout << chunk.content() << std::flush;
    }
    std::cout << '\n';
    interrupted = false;

    auto reply = stream.finish();
    if (reply) {
        conversation.messages.push_back(holysheep::assistant(reply->text()));
        return;
    }
    std::cerr << reply.error() << '\n';
    if (const auto& partial = reply.error().partial) {
        conversation.messages.push_back(holysheep::assistant(partial->text()));
    } else {
        conversation.messages.pop_back();  // removes the question, so that it can be asked again
    }
}

}  // namespace

int main(int argc, char** argv) {
    check_arguments(
        argc, argv,
        "usage: chat [model]\nTalks to a model in the terminal: /reset clears the history, /stats shows the regions, "
        "/quit ends.\n"
        "HOLYSHEEP_API_KEY, and HOLYSHEEP_BASE_URL or HOLYSHEEP_REGIONS, select the gateway. Calls are billed.\n",
        1);
    auto created = holysheep::Client::create();
    if (!created) {
        std::cerr << created.error() << '\n';
        return 1;
    }
    auto& client = *created;
    std::signal(SIGINT, on_interrupt);
    holysheep::ChatRequest conversation{.model = argc > 1 ? argv[1] : "gpt-4.1"};
    std::cout << "Talking to " << conversation.model << ". /reset, /stats, /quit\n";
    std::string line;
    while (std::cout << "> " << std::flush && std::getline(std::cin, line)) {
        if (line.empty()) continue;
        if (line == "/quit") break;
        if (line == "/stats") {
            std::cout << client.stats();
        } else if (line == "/reset") {
            conversation.messages.clear();
        } else {
            conversation.messages.push_back(holysheep::user(line));
            answer(client, conversation);
        }
    }
}
