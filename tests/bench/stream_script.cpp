// The content of every piece is its own number, which reveals lost or repeated pieces.
#include "stream_script.hpp"

#include <array>
#include <charconv>
#include <stdexcept>

namespace holysheep::bench {

namespace {

constexpr std::string_view kBefore =
    R"(data: {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","created":1741570283,)"
    R"("model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_fc9f1d7035","choices":[{)"
    R"("index":0,"delta":)";

std::string event(std::string_view delta, std::string_view reason) {
    std::string text(kBefore);
    text.append(delta).append(R"(,"logprobs":null,"finish_reason":)").append(reason).append("}]}\n\n");
    return text;
}

}  // namespace

std::string base_url_of(const StreamScript& script, int port) {
    return "http://127.0.0.1:" + std::to_string(port) + "/" + std::to_string(script.chunks) + "/" +
           std::to_string(script.period_us) + (script.waits_for_gate ? "/1" : "/0") +
           (script.one_frame_per_event ? "/1" : "/0") + "/v1";
}

StreamScript script_from(std::string_view request_line) {
    std::array<std::uint64_t, 4> numbers{};
    auto at = request_line.find('/');
    for (auto& number : numbers) {
        if (at == std::string_view::npos) break;
        const auto digits = request_line.substr(at + 1);
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
        at = request_line.find('/', at + 1);
    }
    return {.chunks = numbers[0],
            .period_us = numbers[1],
            .waits_for_gate = numbers[2] != 0,
            .one_frame_per_event = numbers[3] != 0};
}

const std::string& first_event() {
    static const auto text = event(R"({"role":"assistant","content":"","refusal":null})", "null");
    return text;
}

std::string content_event(std::size_t number) {
    return event("{\"content\":\" " + std::to_string(number) + "\"}", "null");
}

const std::string& last_events() {
    static const auto text = event("{}", R"("stop")") + "data: [DONE]\n\n";
    return text;
}

void ChunkCount::add(std::string_view text) {
    std::size_t number = 0;
    if (!text.empty()) std::from_chars(text.data() + 1, text.data() + text.size(), number);
    if (text.empty() || text.front() != ' ' || number != seen_) {
        throw std::runtime_error("a stream gave \"" + std::string(text) + "\" where piece " + std::to_string(seen_) +
                                 " was due");
    }
    ++seen_;
}

void ChunkCount::end(std::size_t expected) {
    if (seen_ != expected) {
        throw std::runtime_error("a stream gave " + std::to_string(seen_) + " pieces of " + std::to_string(expected));
    }
    seen_ = 0;
}

}  // namespace holysheep::bench
