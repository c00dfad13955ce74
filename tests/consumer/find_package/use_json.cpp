// A stranger who has nlohmann/json anyway, and takes the opt-in header for it.
#include <holysheep/json.hpp>

int main() { return holysheep::to_json(R"({"wool":"fine"})").at("wool") == "fine" ? 0 : 1; }
