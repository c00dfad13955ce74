// The index decides where it is given and the id does not contradict it; else the id; else the order.
#include "wire/tool_call_slots.hpp"

namespace holysheep::wire {

std::size_t ToolCallSlots::slot_for(std::optional<std::int64_t> index, std::string_view id, bool names_a_call) {
    if (index) {
        last_ = by_index(*index < 0 ? 0 : *index, id);
    } else if (!id.empty()) {
        const auto known = by_id_.find(id);
        last_ = known == by_id_.end() ? open(id) : known->second;
    } else if (count_ == 0 || (names_a_call && named_[last_])) {
        // Neither index nor id (Gemini): such a provider sends calls whole, so a second name is a second call.
        last_ = open(id);
    }
    if (names_a_call) named_[last_] = true;
    return last_;
}

std::size_t ToolCallSlots::by_index(std::int64_t index, std::string_view id) {
    const auto found = by_index_.find(index);
    if (found == by_index_.end()) {
        const std::size_t slot = open(id);
        by_index_.emplace(index, Numbered{slot, std::string(id)});
        return slot;
    }
    Numbered& here = found->second;
    if (id.empty() || here.id == id) return here.slot;
    if (here.id.empty()) {
        here.id = id;
        by_id_.emplace(id, here.slot);
        return here.slot;
    }
    // Distinct calls that share an index.
    const auto known = by_id_.find(id);
    here = {known == by_id_.end() ? open(id) : known->second, std::string(id)};
    return here.slot;
}

std::size_t ToolCallSlots::open(std::string_view id) {
    if (!id.empty()) by_id_.emplace(id, count_);
    named_.push_back(false);
    return count_++;
}

}  // namespace holysheep::wire
