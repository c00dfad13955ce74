// Asks for JSON of a given shape and validates it with the program's own parser.
#include <holysheep/holysheep.hpp>
#include <holysheep/json.hpp>
#include <iostream>
#include <string>

#include "arguments.hpp"

namespace {

struct Sheep {
    std::string breed;
    int microns = 0;
};

constexpr auto kSchema = R"({
    "type": "object",
    "properties": {"breed": {"type": "string"}, "microns": {"type": "integer"}},
    "required": ["breed", "microns"],
    "additionalProperties": false
})";

// An exception from here becomes an error that keeps the answer.
Sheep parse_sheep(const std::string& text) {
    const auto json = nlohmann::json::parse(text);
    return {.breed = json.at("breed").get<std::string>(), .microns = json.at("microns").get<int>()};
}

}  // namespace

int main(int argc, char** argv) {
    check_arguments(
        argc, argv,
        "usage: structured\nAsks for JSON of a given shape and parses it.\n"
        "HOLYSHEEP_API_KEY, and HOLYSHEEP_BASE_URL or HOLYSHEEP_REGIONS, select the gateway. Calls are billed.\n");
    auto client = holysheep::Client::create();
    if (!client) {
        std::cerr << client.error() << '\n';
        return 1;
    }
    const holysheep::ChatRequest request{.model = "gpt-4.1",
                                         .messages = {holysheep::user("Which sheep gives the finest wool?")}};
    const auto sheep =
        holysheep::chat_as<Sheep>(*client, request, holysheep::json_schema("sheep", kSchema), parse_sheep);
    if (!sheep) {
        std::cerr << sheep.error() << '\n';
        if (const auto& answer = sheep.error().partial) std::cerr << "the answer was: " << answer->text() << '\n';
        return 1;
    }
    std::cout << sheep->breed << ", " << sheep->microns << " microns\n";
}
