// A minimal program: creates a client, calls a closed port, prints the error.
#include <holysheep/holysheep.hpp>

#include <iostream>
#include <utility>

int main() {
    holysheep::ClientOptions options;
    options.api_key = "sk-consumer";
    options.regions = {{.id = "closed", .base_url = "http://127.0.0.1:1/v1"}};
    options.retry.max_attempts = 1;
    auto client = holysheep::Client::create(std::move(options));
    if (!client) {
        std::cerr << client.error() << '\n';
        return 1;
    }
    const auto reply = client->chat("any-model", "Is anyone there?");
    if (reply) {
        std::cerr << "an answer from a closed port: " << reply->text() << '\n';
        return 1;
    }
    std::cout << reply.error() << '\n';
    return reply.error().code == holysheep::ErrorCode::transport_failed ? 0 : 1;
}
