// A program that uses nlohmann/json through the opt-in header.
#include <holysheep/json.hpp>

int main() { return holysheep::to_json(R"({"wool":"fine"})").at("wool") == "fine" ? 0 : 1; }
