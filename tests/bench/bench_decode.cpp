// Measures the decoding of answers: a chunk of content, a piece of a tool call, a burst of chunks in one read, a plain
// answer. Besides the time, each benchmark reports the CPU time of one item compared with reading the same bytes into a
// JSON tree.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include "rounds.hpp"
#include "wire/completion_decoder.hpp"
#include "wire/json_writer.hpp"
#include "wire/stream_decoder.hpp"

namespace holysheep::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::size_t kChunks = 1'000;
constexpr std::size_t kReadBytes = 16'384;  // the size of one socket read in a burst
constexpr RoundLengths kRounds{.rounds = 15, .length = 10ms};

// ---- what gateways send ----

/// Builds one event; `more` comes before `choices`, `delta` is the members of the delta.
std::string event(const std::string& more, const std::string& delta) {
    return R"(data: {"id":"chatcmpl-1f0c2a9b7d","object":"chat.completion.chunk","created":1790000000,)"
           R"("model":"gpt-4.1-mini-2025-04-14","service_tier":"default","system_fingerprint":"fp_7a10c3",)" +
           more + R"("choices":[{"index":0,"delta":{)" + delta + R"(},"logprobs":null,"finish_reason":null}]})" +
           "\n\n";
}

std::string word(std::size_t number) {
    constexpr std::array<std::string_view, 9> kWords{" wool",  " of", " the", " merino", ",",
                                                     " shorn", " in", " May", "."};
    return std::string(kWords[number % kWords.size()]);
}

using Events = std::vector<std::string>;

/// Chunks that differ only in their content.
Events content_events() {
    Events events;
    for (std::size_t i = 0; i < kChunks; ++i) events.push_back(event("", R"("content":")" + word(i) + '"'));
    return events;
}

/// The same from a gateway whose padding differs in each chunk.
Events padded_events() {
    Events events;
    for (std::size_t i = 0; i < kChunks; ++i) {
        const std::string padding = std::to_string(1'000'003 * (i + 1));
        events.push_back(event(R"("obfuscation":")" + padding + "\",", R"("content":")" + word(i) + '"'));
    }
    return events;
}

/// One call whose argument is a long list.
Events tool_call_events() {
    Events events;
    for (std::size_t i = 0; i < kChunks; ++i) {
        std::string piece;
        wire::append_json_string(piece, i == 0 ? R"({"fleeces":[)" : "\"lot" + word(i) + "\",");
        const std::string head = i == 0 ? R"("id":"call_5c1e","type":"function",)" : "";
        const std::string name = i == 0 ? R"("name":"weigh",)" : "";
        events.push_back(event(
            "", R"("tool_calls":[{"index":0,)" + head + R"("function":{)" + name + R"("arguments":)" + piece + "}}]"));
    }
    return events;
}

std::string plain_answer() {
    std::string text;
    for (std::size_t i = 0; i < 400; ++i) text += word(i);
    return R"({"id":"chatcmpl-1f0c2a9b7d","object":"chat.completion","created":1790000000,)"
           R"("model":"gpt-4.1-mini-2025-04-14","choices":[{"index":0,"message":{"role":"assistant","content":")" +
           text +
           R"(","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":28,)"
           R"("completion_tokens":400,"total_tokens":428,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},)"
           R"("completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,)"
           R"("rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":"fp_7a10c3"})";
}

Events in_reads(const Events& events) {
    std::string all;
    for (const std::string& one : events) all += one;
    Events reads;
    for (std::size_t at = 0; at < all.size(); at += kReadBytes) reads.push_back(all.substr(at, kReadBytes));
    return reads;
}

// ---- the two ways of decoding ----

struct Bytes final : wire::ChunkSink {
    std::size_t count = 0;
    void on_chunk(const ChatChunk& chunk) override { count += chunk.text.size() + chunk.tool_arguments.size(); }
};

/// Decodes `kChunks` chunks.
std::size_t decode(const Events& reads) {
    Bytes sink;
    wire::StreamDecoder decoder({}, sink);
    for (const std::string& read : reads) decoder.feed(read);
    if (decoder.state() != wire::StreamDecoder::State::open) throw std::runtime_error("the stream was refused");
    return sink.count;
}

/// Decodes the same with a JSON tree per chunk.
std::size_t decode_by_tree(const Events& events) {
    std::string text;
    for (const std::string_view whole : events) {
        const auto json = nlohmann::json::parse(whole.substr(6, whole.size() - 8));
        const auto& delta = json.at("choices").at(0).at("delta");
        const auto content = delta.find("content");
        text += content != delta.end()
                    ? content->get_ref<const std::string&>()
                    : delta.at("tool_calls").at(0).at("function").at("arguments").get_ref<const std::string&>();
    }
    return text.size();
}

std::size_t decode_plain(const std::string& body) {
    const auto answer = wire::decode_completion(body);
    return answer.value().choices.front().message.content.size();
}

std::size_t decode_plain_by_tree(const std::string& body) {
    const auto json = nlohmann::json::parse(body);
    return json.at("choices").at(0).at("message").at("content").get_ref<const std::string&>().size() +
           json.at("usage").at("total_tokens").get<std::size_t>();
}

// ---- measuring ----

/// Measures both ways alternately, as medians over rounds: "chunk_ns" or "answer_ns" of CPU time, "tree_ns", and their
/// "cpu_ratio".
template <class Ours, class Tree>
void compare_with_tree(benchmark::State& state, const char* key, std::size_t units, Ours&& ours, Tree&& tree) {
    const auto until = [units](auto& read) {
        return [units, &read](steady_clock::time_point end) {
            std::uint64_t done = 0;
            for (; steady_clock::now() < end; done += units) benchmark::DoNotOptimize(read());
            return done;
        };
    };
    const Comparison comparison = compare({.run_until = until(tree)}, {.run_until = until(ours)}, kRounds);
    state.counters[key] = 1'000 * median(comparison.our_cpu);
    state.counters["tree_ns"] = 1'000 * median(comparison.raw_cpu);
    state.counters["cpu_ratio"] = median(comparison.ratios);
}

/// One iteration decodes a stream of `kChunks` chunks.
void decode_stream(benchmark::State& state, const Events& events, bool in_bursts) {
    const Events reads = in_bursts ? in_reads(events) : events;
    for (auto _ : state) benchmark::DoNotOptimize(decode(reads));
    compare_with_tree(
        state, "chunk_ns", kChunks, [&] { return decode(reads); }, [&] { return decode_by_tree(events); });
}
BENCHMARK_CAPTURE(decode_stream, content, content_events(), false);
BENCHMARK_CAPTURE(decode_stream, content_burst, content_events(), true);
BENCHMARK_CAPTURE(decode_stream, padded_content, padded_events(), false);
BENCHMARK_CAPTURE(decode_stream, padded_content_burst, padded_events(), true);
BENCHMARK_CAPTURE(decode_stream, tool_call, tool_call_events(), false);
BENCHMARK_CAPTURE(decode_stream, tool_call_burst, tool_call_events(), true);

void decode_answer(benchmark::State& state) {
    const std::string body = plain_answer();
    for (auto _ : state) benchmark::DoNotOptimize(decode_plain(body));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
    compare_with_tree(
        state, "answer_ns", 1, [&] { return decode_plain(body); }, [&] { return decode_plain_by_tree(body); });
}
BENCHMARK(decode_answer);

}  // namespace
}  // namespace holysheep::bench
