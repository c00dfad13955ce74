// Lets the model call functions of this program until it has an answer.
//   tools [question]
#include <holysheep/holysheep.hpp>
#include <iostream>
#include <stdexcept>
#include <string>

#include "arguments.hpp"

namespace {

// The error or exception of a tool is sent to the model; the program goes on.
std::string price_of_wool(const std::string& arguments_json) {
    std::cerr << "[price_of_wool " << arguments_json << "]\n";
    if (arguments_json.find("breed") == std::string::npos) throw std::invalid_argument("name a breed");
    return R"({"euros_per_kilo":14.5})";
}

}  // namespace

int main(int argc, char** argv) {
    check_arguments(
        argc, argv,
        "usage: tools [question]\nLets the model call a function of this program until it has an answer.\n"
        "HOLYSHEEP_API_KEY, and HOLYSHEEP_BASE_URL or HOLYSHEEP_REGIONS, select the gateway. Calls are billed.\n",
        1);
    auto client = holysheep::Client::create();
    if (!client) {
        std::cerr << client.error() << '\n';
        return 1;
    }
    holysheep::ChatRequest request{
        .model = "gpt-4.1",
        .messages = {holysheep::user(argc > 1 ? argv[1] : "What does merino wool cost? Use the tool.")},
        .tools = {
            {.name = "price_of_wool",
             .description = "Today's price of a kilo of wool",
             .parameters_json = R"({"type":"object","properties":{"breed":{"type":"string"}},"required":["breed"]})"}}};
    const auto run = holysheep::run_tools(*client, request, {{"price_of_wool", price_of_wool}});
    if (!run.answer) {
        std::cerr << run.answer.error() << '\n';
        return 1;
    }
    std::cout << run.answer->text() << '\n';
    std::cerr << run.rounds << " questions, " << run.messages.size() << " messages\n";
}
