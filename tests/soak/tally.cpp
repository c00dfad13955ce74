// Each call counts once, under its worst classification.
#include "tally.hpp"

#include <dirent.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "backend.hpp"

namespace holysheep::soak {

namespace {

constexpr std::size_t kMaxProblems = 20;

double quantile(const std::vector<float>& sorted, double share) {
    if (sorted.empty()) return 0;
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

nlohmann::json to_json(const ResourceUse& held) {
    return {{"memory_mb", held.memory_mb}, {"descriptors", held.descriptors}};
}

ResourceUse resource_use_from(const nlohmann::json& json) {
    return {.memory_mb = json.at("memory_mb"), .descriptors = json.at("descriptors")};
}

}  // namespace

ResourceUse resource_use_now() {
#ifdef __GLIBC__
    // Memory that the allocator caches depends on the peak so far and is not a leak.
    ::malloc_trim(0);
#endif
    ResourceUse held;
    std::ifstream statm("/proc/self/statm");
    std::int64_t pages = 0, resident = 0;
    statm >> pages >> resident;
    held.memory_mb = static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / (1024 * 1024);
    if (auto* folder = ::opendir("/proc/self/fd")) {
        // Excludes ".", ".." and the descriptor of this directory.
        held.descriptors = -3;
        while (::readdir(folder) != nullptr) ++held.descriptors;
        ::closedir(folder);
    }
    return held;
}

Tally::Tally(std::size_t calls) : waits_(calls) { waits_.clear(); }

void Tally::on_start() {
    const std::lock_guard lock(mutex_);
    ++seen_.calls;
    seen_.max_concurrent = std::max(seen_.max_concurrent, seen_.calls - ended_);
}

void Tally::add(const Question& question, const Outcome& outcome, std::chrono::nanoseconds took,
                std::chrono::milliseconds at) {
    const std::lock_guard lock(mutex_);
    ++ended_;
    seen_.attempts += outcome.attempts;
    std::string what;
    if (took > kHungAfter) {
        ++seen_.hung;
        what = "hung";
    } else if (outcome.answered) {
        const bool right = is_answer(question, outcome.text);
        if (!right) {
            ++seen_.wrong;
            what = "wrong after " + std::to_string(outcome.text.size()) + " of " + std::to_string(question.text.size());
        } else if (outcome.restarted) {
            ++seen_.recovered;
        }
        std::chrono::duration<float, std::milli> wait = outcome.first_content;
        if (question.thinking) wait -= kThinking;
        if (waits_.size() < waits_.capacity()) waits_.push_back(wait.count());
    } else if (!outcome.content_seen) {
        ++seen_.lost;
        what = "lost";
    } else if (!outcome.reported || !is_beginning(question, outcome.text)) {
        ++seen_.wrong;
        what = "cut without an error that reports it";
    } else {
        ++seen_.cut;
        what = "cut";
    }
    if (what.empty()) return;
    const bool unexpected = what != "cut";
    if (!unexpected && seen_.problems.size() >= kMaxProblems) return;
    if (seen_.problems.size() >= 2 * kMaxProblems) return;
    seen_.problems.push_back(what + ": call " + std::to_string(question.number) +
                             (question.streamed ? " (stream" : " (plain") + (question.thinking ? ", thinking)" : ")") +
                             " started at " + std::to_string(at.count()) + " ms, ended after " +
                             std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) +
                             " ms: " + outcome.diagnosis);
}

int Tally::outstanding() const {
    const std::lock_guard lock(mutex_);
    return seen_.calls - ended_;
}

Figures Tally::figures(std::string caller) const {
    const std::lock_guard lock(mutex_);
    auto figures = seen_;
    figures.caller = std::move(caller);
    figures.hung += seen_.calls - ended_;
    figures.answered = seen_.calls - seen_.lost - seen_.cut - seen_.wrong - figures.hung;
    auto sorted = waits_;
    std::ranges::sort(sorted);
    figures.p50_ms = quantile(sorted, 0.5);
    figures.p99_ms = quantile(sorted, 0.99);
    figures.max_ms = quantile(sorted, 1);
    return figures;
}

void save(const Figures& f, const std::string& path) {
    const nlohmann::json json{{"caller", f.caller},
                              {"calls", f.calls},
                              {"answered", f.answered},
                              {"lost", f.lost},
                              {"cut", f.cut},
                              {"recovered", f.recovered},
                              {"hung", f.hung},
                              {"wrong", f.wrong},
                              {"attempts", f.attempts},
                              {"waits", {f.p50_ms, f.p99_ms, f.max_ms}},
                              {"start", to_json(f.start)},
                              {"warm", to_json(f.warm)},
                              {"end", to_json(f.end)},
                              {"max_descriptors", f.max_descriptors},
                              {"left_open", f.left_open},
                              {"max_concurrent", f.max_concurrent},
                              {"regions", f.regions},
                              {"problems", f.problems}};
    std::ofstream(path) << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Figures load_figures(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(path + " is missing: the caller has crashed");
    const auto json = nlohmann::json::parse(file);
    return {.caller = json.at("caller"),
            .calls = json.at("calls"),
            .answered = json.at("answered"),
            .lost = json.at("lost"),
            .cut = json.at("cut"),
            .recovered = json.at("recovered"),
            .hung = json.at("hung"),
            .wrong = json.at("wrong"),
            .attempts = json.at("attempts"),
            .p50_ms = json.at("waits").at(0),
            .p99_ms = json.at("waits").at(1),
            .max_ms = json.at("waits").at(2),
            .start = resource_use_from(json.at("start")),
            .warm = resource_use_from(json.at("warm")),
            .end = resource_use_from(json.at("end")),
            .max_descriptors = json.at("max_descriptors"),
            .left_open = json.at("left_open"),
            .max_concurrent = json.at("max_concurrent"),
            .regions = json.at("regions"),
            .problems = json.at("problems")};
}

}  // namespace holysheep::soak
