// Creates one entry per call; later events only fill it in.
#include "ledger.hpp"

namespace holysheep::sim {

CallNumber Ledger::begin(int client, Time now) {
    CallEntry entry;
    entry.client = client;
    entry.began = now;
    calls_.push_back(entry);
    ++open_;
    return static_cast<CallNumber>(calls_.size() - 1);
}

void Ledger::first_content(CallNumber call, Time now) {
    if (!calls_[call].first_content) calls_[call].first_content = now;
}

void Ledger::over(CallNumber call, bool succeeded, Time now) {
    if (calls_[call].over) return;
    calls_[call].over = true;
    calls_[call].succeeded = succeeded;
    calls_[call].ended = now;
    --open_;
}

void Ledger::lose_open_calls() {
    for (auto& entry : calls_) {
        if (!entry.over) entry.over = entry.lost = true;
    }
    open_ = 0;
}

void Ledger::dispatched(CallNumber call, std::uint64_t transfer, std::size_t region, bool late, Time now,
                        bool region_disturbed) {
    auto& entry = calls_[call];
    if (late && entry.disturbed && entry.expected_by <= now) overheads_.push_back({call, now - entry.expected_by});
    if (!entry.first_region) entry.first_region = region;
    if (!entry.sent) entry.sent = now;
    ++entry.attempts;
    entry.latest = transfer;
    entry.expected_by = kNever;
    entry.disturbed = region_disturbed;
}

void Ledger::expect_by(CallNumber call, std::uint64_t transfer, Time due) {
    if (calls_[call].latest == transfer) calls_[call].expected_by = due;
}

void Ledger::failed(CallNumber call, std::uint64_t transfer, Time now) {
    auto& entry = calls_[call];
    if (entry.latest != transfer) return;
    entry.expected_by = now;
    entry.disturbed = true;
}

void Ledger::waste(CallNumber call, double tokens) { wasted_.emplace_back(call, tokens); }

}  // namespace holysheep::sim
