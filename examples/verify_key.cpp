// Checks a key. Distinguishes a malformed key, a refused key, missing permissions, an empty account and an unreachable
// gateway, each with advice. The exit code is 0 for a valid key, 1 malformed, 2 refused, 3 no permission, 4 no
// credit, 5 unreachable, 6 any other error.
//   verify_key        (HOLYSHEEP_API_KEY, HOLYSHEEP_BASE_URL)
#include <holysheep/holysheep.hpp>
#include <iostream>

#include "arguments.hpp"

namespace {

int exit_code(holysheep::ErrorCode code) {
    switch (code) {
        case holysheep::ErrorCode::invalid_options: return 1;
        case holysheep::ErrorCode::unauthenticated: return 2;
        case holysheep::ErrorCode::permission_denied: return 3;
        case holysheep::ErrorCode::insufficient_quota: return 4;
        case holysheep::ErrorCode::all_regions_unavailable:
        case holysheep::ErrorCode::transport_failed:
        case holysheep::ErrorCode::tls_failed:
        case holysheep::ErrorCode::timed_out:
        case holysheep::ErrorCode::deadline_exceeded: return 5;
        default: return 6;
    }
}

int report(const holysheep::Error& error) {
    std::cerr << error << '\n';
    return exit_code(error.code);
}

}  // namespace

int main(int argc, char** argv) {
    check_arguments(
        argc, argv,
        "usage: verify_key\nChecks the key in HOLYSHEEP_API_KEY and prints advice if it does not work. Exit code:\n"
        "0 valid, 1 malformed, 2 refused, 3 no permission, 4 no credit, 5 gateway unreachable, 6 any other error.\n");
    auto options = holysheep::ClientOptions::from_environment();
    options.retry.max_attempts = 2;
    auto client = holysheep::Client::create(std::move(options));  // fails if the key is malformed
    if (!client) return report(client.error());
    const auto verified = client->verify_key({.deadline = std::chrono::seconds{10}});
    if (!verified) return report(verified.error());
    std::cout << "the key is valid\n";
}
