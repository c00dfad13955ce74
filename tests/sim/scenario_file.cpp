// Reads a scenario file. Looks up every key by name and reports unknown keys.
#include "scenario_file.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

namespace holysheep::sim {

namespace {

using PlanJson = nlohmann::json;

/// A JSON object that records which keys were read.
class Keys {
  public:
    Keys(const PlanJson& json, std::string where) : json_(json), where_(std::move(where)) {
        if (!json.is_object()) throw std::invalid_argument(where_ + " must be an object");
    }

    const PlanJson* find(const std::string& key) {
        read_.push_back(key);
        const auto found = json_.find(key);
        return found == json_.end() ? nullptr : &*found;
    }
    const PlanJson& get(const std::string& key) {
        const auto* value = find(key);
        if (value == nullptr) throw std::invalid_argument(where_ + " lacks \"" + key + "\"");
        return *value;
    }
    double number(const PlanJson& value, const std::string& key, double from, double to) const {
        if (!value.is_number() || value.get<double>() < from || value.get<double>() > to) {
            std::ostringstream message;
            message << where_ << ": \"" << key << "\" must be a number from " << from << " to " << to << ", not "
                    << value.dump();
            throw std::invalid_argument(message.str());
        }
        return value.get<double>();
    }
    double required(const std::string& key, double from, double to) { return number(get(key), key, from, to); }
    double optional(const std::string& key, double from, double to, double otherwise) {
        const auto* value = find(key);
        return value == nullptr ? otherwise : number(*value, key, from, to);
    }
    bool flag(const std::string& key) {
        const auto* value = find(key);
        if (value == nullptr) return false;
        if (!value->is_boolean()) throw std::invalid_argument(where_ + ": \"" + key + "\" must be true or false");
        return value->get<bool>();
    }
    std::string text(const std::string& key) {
        const auto& value = get(key);
        if (!value.is_string()) throw std::invalid_argument(where_ + ": \"" + key + "\" must be a string");
        return value.get<std::string>();
    }
    void reject_unknown() const {
        for (const auto& [key, value] : json_.items()) {
            if (std::ranges::find(read_, key) != read_.end()) continue;
            std::string known;
            for (const auto& name : read_) known += (known.empty() ? "" : ", ") + name;
            throw std::invalid_argument(where_ + ": unknown key \"" + key + "\"; known are " + known);
        }
    }

  private:
    const PlanJson& json_;
    std::string where_;
    std::vector<std::string> read_;
};

std::vector<PlanJson> list(const PlanJson* value, const std::string& key) {
    if (value == nullptr) return {};
    if (!value->is_array()) throw std::invalid_argument("\"" + key + "\" must be a list");
    return value->get<std::vector<PlanJson>>();
}

bool is_id(const std::string& id) {
    return !id.empty() &&
           std::ranges::all_of(id, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

RegionPlan read_region(const PlanJson& json, std::size_t index) {
    const auto where = "regions[" + std::to_string(index) + "]";
    Keys keys(json, where);
    RegionPlan region;
    region.id = keys.text("id");
    if (!is_id(region.id)) throw std::invalid_argument(where + ": \"id\" must be lower-case letters, digits or '-'");
    region.rtt = from_seconds(keys.required("rtt", 0.01, 10'000) / 1'000);
    region.slots = static_cast<int>(keys.optional("slots", 1, 100'000, region.slots));
    region.weight = keys.optional("weight", 0.001, 1'000, region.weight);
    keys.reject_unknown();
    return region;
}

Fault read_fault(const PlanJson& json, std::size_t index, const std::vector<RegionPlan>& regions, Time duration) {
    const auto where = "faults[" + std::to_string(index) + "]";
    Keys keys(json, where);
    Fault fault;
    const auto name = keys.text("kind");
    const auto kind = fault_kind(name);
    if (!kind) throw std::invalid_argument(where + ": there is no fault named \"" + name + "\"");
    fault.kind = *kind;
    if (keys.find("region") != nullptr) {
        const auto id = keys.text("region");
        const auto region = std::ranges::find(regions, id, &RegionPlan::id);
        if (region == regions.end()) throw std::invalid_argument(where + ": there is no region \"" + id + "\"");
        fault.region = static_cast<std::size_t>(region - regions.begin());
    }
    fault.from = from_seconds(keys.required("from", 0, seconds(duration)));
    fault.to = from_seconds(keys.required("to", 0, seconds(duration)));
    if (fault.to <= fault.from) throw std::invalid_argument(where + ": \"to\" must be after \"from\"");
    const bool positive = fault.kind == FaultKind::flap || fault.kind == FaultKind::slow;
    fault.value = keys.optional("value", positive ? 0.1 : 0, 100'000, default_value(fault.kind));
    keys.reject_unknown();
    return fault;
}

}  // namespace

ScenarioFile parse_scenario(std::string_view text) {
    const PlanJson json = PlanJson::parse(text, nullptr, false);
    if (json.is_discarded()) throw std::invalid_argument("the scenario is not valid JSON");
    Keys keys(json, "the scenario");
    ScenarioFile file;
    auto& plan = file.plan;
    plan = default_plan();
    plan.scenario = keys.find("name") == nullptr ? "custom" : keys.text("name");
    plan.clients = static_cast<int>(keys.optional("clients", 1, 1'000, plan.clients));
    plan.duration = from_seconds(keys.optional("duration", 1, 100'000, seconds(plan.duration)));
    plan.warm_up =
        from_seconds(keys.optional("warm_up", 0, seconds(plan.duration), std::min(20.0, seconds(plan.duration) / 4)));
    plan.prefill_median = from_seconds(keys.optional("prefill", 1, 600'000, in_ms(plan.prefill_median)) / 1'000);
    plan.hold_median = from_seconds(keys.optional("hold", 1, 600'000, in_ms(plan.hold_median)) / 1'000);
    if (keys.find("deadline") != nullptr) plan.deadline = from_seconds(keys.required("deadline", 1, 600'000) / 1'000);
    plan.late_head = keys.flag("late_head");
    plan.restart_streams = keys.flag("restart_streams");
    if (keys.find("capacity") != nullptr) plan.capacity = keys.required("capacity", 0.01, 1'000'000);
    if (keys.find("load") != nullptr) file.loads.push_back(keys.required("load", 0.01, 2));
    for (const auto& load : list(keys.find("loads"), "loads")) {
        file.loads.push_back(keys.number(load, "loads", 0.01, 2));
    }
    if (const auto regions = list(keys.find("regions"), "regions"); !regions.empty()) {
        plan.regions.clear();
        for (const auto& region : regions) {
            plan.regions.push_back(read_region(region, plan.regions.size()));
            const auto& id = plan.regions.back().id;
            if (std::ranges::count(plan.regions, id, &RegionPlan::id) > 1) {
                throw std::invalid_argument("region \"" + id + "\" is defined twice");
            }
        }
    }
    for (const auto& fault : list(keys.find("faults"), "faults")) {
        plan.faults.push_back(read_fault(fault, plan.faults.size(), plan.regions, plan.duration));
    }
    keys.reject_unknown();
    return file;
}

ScenarioFile read_scenario_file(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::invalid_argument("--scenario-file: \"" + path + "\" cannot be read");
    std::ostringstream text;
    text << file.rdbuf();
    try {
        return parse_scenario(text.str());
    } catch (const std::invalid_argument& problem) {
        throw std::invalid_argument(path + ": " + problem.what());
    }
}

}  // namespace holysheep::sim
