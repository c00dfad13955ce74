// A program that starts the dashboard.
#include <holysheep/dashboard/server.hpp>
#include <holysheep/holysheep.hpp>

#include <iostream>

int main() {
    const holysheep::Client client({.api_key = "sk-test", .base_url = "http://127.0.0.1:1/v1"});
    const holysheep::DashboardServer dashboard([&client] { return client.stats(); });
    std::cout << dashboard.url() << '\n';
    return dashboard.port() == 0 ? 1 : 0;
}
