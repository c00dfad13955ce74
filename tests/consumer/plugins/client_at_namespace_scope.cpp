// A client that is constructed before main and destroyed after it, during a call.
#include <holysheep/holysheep.hpp>

namespace {

holysheep::ClientOptions options() {
    holysheep::ClientOptions options;
    options.api_key = "sk-test";
    options.base_url = "http://127.0.0.1:1/v1";
    options.log.level = holysheep::LogLevel::off;
    return options;
}

holysheep::Client client(options());

}  // namespace

int main() {
    const auto answer = client.chat({.model = "gpt-4.1", .messages = {holysheep::user("hello")}});
    client.chat_async({.model = "gpt-4.1", .messages = {holysheep::user("hello")}}, {},
                      [](holysheep::Result<holysheep::ChatCompletion>) {});
    return answer ? 1 : 0;
}
