// simulate: runs simulations and reports figures per policy.
// flags → scenarios × loads × policies × seeds → [simulate] → one line each
#include <algorithm>
#include <atomic>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "report.hpp"
#include "scenario_file.hpp"
#include "scenarios.hpp"
#include "simulation_flags.hpp"

namespace {

using namespace holysheep::sim;

/// All simulations of one line of the output.
struct Row {
    SimulationPlan plan;
    const Policy* policy = nullptr;
    std::vector<Figures> results;
    std::atomic<int> left{0};
};

std::vector<SimulationPlan> plans(const SimulationFlags& flags) {
    std::vector<SimulationPlan> plans;
    std::vector<double> loads = flags.loads;
    if (!flags.scenario_file.empty()) {
        auto file = read_scenario_file(flags.scenario_file);
        if (loads.empty()) loads = file.loads;
        plans.push_back(std::move(file.plan));
    }
    if (loads.empty()) loads = {0.4, 0.76};
    for (const auto name : scenario_names()) {
        if (!flags.scenario_file.empty()) break;
        if (!flags.scenarios.empty() && std::ranges::find(flags.scenarios, name) == flags.scenarios.end()) continue;
        plans.push_back(*scenario(name));
    }
    std::vector<SimulationPlan> with_loads;
    for (const auto& plan : plans) {
        for (const double load : loads) {
            with_loads.push_back(plan);
            with_loads.back().load = load;
        }
    }
    return with_loads;
}

std::vector<std::unique_ptr<Row>> rows(const SimulationFlags& flags) {
    std::vector<std::unique_ptr<Row>> rows;
    for (const auto& plan : plans(flags)) {
        for (const auto& policy : all_policies()) {
            if (!flags.policies.empty() && std::ranges::find(flags.policies, policy.name) == flags.policies.end()) {
                continue;
            }
            auto& row = *rows.emplace_back(std::make_unique<Row>());
            row.plan = plan;
            row.policy = &policy;
            row.results.resize(static_cast<std::size_t>(flags.seeds));
            row.left = flags.seeds;
        }
    }
    return rows;
}

void run_one(Row& row, std::size_t number, const SimulationFlags& flags) {
    const auto seed = flags.first_seed + number;
    if (flags.trace) {
        std::cout << "# " << row.plan.scenario << ", load " << row.plan.load << ", " << row.policy->name << ", seed "
                  << seed << '\n';
    }
    Simulation simulation(row.plan, *row.policy, seed, Trace(flags.trace ? &std::cout : nullptr));
    simulation.run();
    row.results[number] = Figures(simulation);
    --row.left;
    row.left.notify_one();
}

void report(const Row& row, const SimulationFlags& flags) {
    ReportRow line{.scenario = row.plan.scenario,
                   .policy = std::string(row.policy->name),
                   .load = row.plan.load,
                   .seeds = flags.seeds};
    for (const auto& figures : row.results) line.figures.add(figures);
    if (flags.json) {
        std::cout << as_json(line) << std::endl;
    } else {
        write_table_row(std::cout, line);
        std::cout.flush();
    }
}

int simulate(const SimulationFlags& flags) {
    const auto all = rows(flags);
    const auto seeds = static_cast<std::size_t>(flags.seeds);
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (auto task = next++; task < all.size() * seeds; task = next++) {
            run_one(*all[task / seeds], task % seeds, flags);
        }
    };
    // A decision log in one consistent order needs a single thread.
    std::vector<std::jthread> workers(static_cast<std::size_t>(flags.trace ? 1 : flags.threads));
    for (auto& worker : workers) worker = std::jthread(work);
    if (flags.trace) workers.clear();
    if (!flags.json) write_table_head(std::cout);
    for (const auto& row : all) {
        for (int left = row->left; left > 0; left = row->left) row->left.wait(left);
        report(*row, flags);
        row->results.clear();
    }
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    try {
        const auto flags = parse_flags(count, arguments);
        if (flags.help) {
            std::cout << flags_text();
            return 0;
        }
        return simulate(flags);
    } catch (const std::invalid_argument& problem) {
        std::cerr << "simulate: " << problem.what() << "; --help lists what there is\n";
        return 2;
    } catch (const std::exception& problem) {
        std::cerr << "simulate: " << problem.what() << '\n';
        return 1;
    }
}
