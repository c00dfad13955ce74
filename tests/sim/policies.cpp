// Lists the policies, production first.
#include "caller.hpp"
#include "production_caller.hpp"
#include "reference_pickers.hpp"

namespace holysheep::sim {

Caller::~Caller() = default;

const std::vector<Policy>& all_policies() {
    static const std::vector<Policy> policies{
        {"adaptive", "the client with its default options", make_adaptive},
        {"adaptive_hedged", "the client with hedging", make_adaptive_hedged},
        {"adaptive_limited", "the client with the gateway's window as its rate limit", make_adaptive_limited},
        {"weighted", "the client, Strategy::weighted", make_weighted},
        {"round_robin", "the client, Strategy::round_robin", make_round_robin},
        {"random", "reference: any region", make_random},
        {"static_weights", "reference: fixed shares", make_static_weights},
        {"lowest_ping", "reference: the lowest ping, taken every 10 s", make_lowest_ping},
        {"naive", "reference: probes all regions before each call", make_naive},
        {"p2c", "reference: power of two choices by peak EWMA", make_p2c},
        {"aimd", "reference: an AIMD limit of concurrency for each region, and a queue", make_aimd},
        {"prequal", "reference: hot-cold lexicographic over probed load", make_prequal}};
    return policies;
}

}  // namespace holysheep::sim
