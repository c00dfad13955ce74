// Computes what the attempts of a call cost, for their records, the ledger and the joined answer.
// CallDriver → [CallCosts] → AttemptRecord::cost, Ledger
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

#include <holysheep/chat_completion.hpp>
#include <holysheep/event_listener.hpp>

#include "accounting/ledger.hpp"
#include "accounting/shared_catalogue.hpp"
#include "execution/attempt.hpp"
#include "execution/exchange.hpp"

namespace holysheep::execution {

class CallCosts {
  public:
    /// The references outlive this object.
    CallCosts(const Exchange& exchange, const accounting::SharedCatalogue& catalogue, accounting::Ledger& ledger)
        : exchange_(exchange), catalogue_(catalogue), ledger_(ledger) {}

    /// Sets the cost of an attempt that is over, and adds its use to the ledger. `key`: the client's key it used.
    void price(Attempt& attempt, std::optional<std::size_t> key) const;
    /// Counts the call in the ledger, for the model and the region of its last attempt.
    void count_call(const Attempt& last, std::optional<std::size_t> key) const;
    /// Estimates the tokens of an answer without usage. More than the request allows cannot be billed.
    std::int64_t estimated_answer(const Attempt& attempt) const;

    /// Of all attempts together; unset if one is unknown.
    static std::optional<Money> total(const std::list<Attempt>& attempts);
    /// Sets the cost of an answer that several attempts gave together.
    static void sum(const std::list<Attempt>& attempts, ChatCompletion& joined);
    void sum(CallRecord& call) const;

  private:
    const Exchange& exchange_;
    const accounting::SharedCatalogue& catalogue_;
    accounting::Ledger& ledger_;
};

}  // namespace holysheep::execution
