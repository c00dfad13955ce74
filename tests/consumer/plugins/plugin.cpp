// Calls a closed port of this machine; returns 0 if the call failed as expected.
#include <holysheep/holysheep.hpp>

extern "C" __attribute__((visibility("default"))) int ask() {
    holysheep::ClientOptions options;
    options.api_key = "sk-test";
    options.base_url = "http://127.0.0.1:1/v1";
    options.retry.max_attempts = 1;
    options.log.level = holysheep::LogLevel::off;
    holysheep::Client client(options);
    const auto answer = client.chat({.model = "gpt-4.1", .messages = {holysheep::user("hello")}});
    return !answer && answer.error().code == holysheep::ErrorCode::transport_failed ? 0 : 1;
}
