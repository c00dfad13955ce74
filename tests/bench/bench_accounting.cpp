// Measures the accounting of a call: finding its price, computing its cost, and adding it to the ledger.
#include <cstddef>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <holysheep/cost.hpp>

#include "accounting/ledger.hpp"

namespace holysheep::bench {
namespace {

const Usage kUsage{.present = true,
                   .prompt_tokens = 1'200,
                   .completion_tokens = 350,
                   .total_tokens = 1'550,
                   .cached_input_tokens = 800};

void find_price(benchmark::State& state, const std::string& name) {
    const auto catalogue = ModelCatalogue::built_in();
    for (auto _ : state) benchmark::DoNotOptimize(catalogue.price(name));
}
BENCHMARK_CAPTURE(find_price, exact, "gpt-4.1");
BENCHMARK_CAPTURE(find_price, dated_with_provider, "openai/gpt-4.1-2025-04-14");
BENCHMARK_CAPTURE(find_price, unknown, "merino-1");

void cost_of_call(benchmark::State& state) {
    const auto catalogue = ModelCatalogue::built_in();
    const auto& price = *catalogue.price("gpt-4.1");
    for (auto _ : state) benchmark::DoNotOptimize(cost_of(kUsage, price));
}
BENCHMARK(cost_of_call);

/// Writes to as many ledger lines as the argument says, in turn.
void ledger_update(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < count; ++i) labels.push_back("customer-" + std::to_string(i) + "/checkout");
    accounting::Ledger ledger;
    const Money cost{4'200'000};
    std::size_t i = 0;
    for (auto _ : state) {
        ledger.add({.model = "gpt-4.1", .region = "us-west", .label = labels[i++ % count]},
                   {.counted = &kUsage, .cost = &cost});
    }
}
BENCHMARK(ledger_update)->Arg(1)->Arg(16)->Arg(1000);

void ledger_call_end(benchmark::State& state) {
    accounting::Ledger ledger;
    for (auto _ : state) ledger.add_call({.model = "gpt-4.1", .region = "us-west", .label = "checkout"});
}
BENCHMARK(ledger_call_end);

void ledger_snapshot(benchmark::State& state) {
    accounting::Ledger ledger;
    for (int i = 0; i < state.range(0); ++i) {
        ledger.add({.model = "gpt-4.1", .region = "us-west", .label = "label " + std::to_string(i)}, {});
    }
    for (auto _ : state) benchmark::DoNotOptimize(ledger.snapshot());
}
BENCHMARK(ledger_snapshot)->Arg(10)->Arg(1000);

}  // namespace
}  // namespace holysheep::bench
