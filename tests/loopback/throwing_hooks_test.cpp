// Hooks that throw on the program's own thread: a blocking caller that finds the loop idle runs the loop itself. The
// other forms of a call, and hooks that only fakes can have, are tested in tests/flow/throwing_hooks_test.cpp.
#include "../flow/throwing_hooks.hpp"

#include <memory>
#include <thread>
#include <tuple>

#include "gateway_under_test.hpp"

namespace {

using namespace holysheep;
using namespace holysheep::loopback;
using namespace holysheep::flow;
using ::testing::AnyOf;
using ::testing::Combine;
using ::testing::Values;

/// Records whether it is called on the thread that created it.
struct ThreadRecordingSelector final : RegionSelector {
    explicit ThreadRecordingSelector(ExceptionInjector& f) : faulty(f) {}
    std::vector<std::size_t> rank(const SelectionContext& context) const override {
        if (std::this_thread::get_id() == caller) ++on_caller;
        return faulty.rank(context);
    }
    FaultySelector faulty;
    const std::thread::id caller = std::this_thread::get_id();
    mutable std::atomic<int> on_caller{0};
};

class HookOnTheCallersThread : public TwoRegions, public ::testing::WithParamInterface<std::tuple<Hook, Occurrence>> {
  protected:
    HookOnTheCallersThread() {
        gateway.set_fault("us-west", {.kind = Kind::status, .status = 503});
        options.retry.initial_backoff = 1ms;
        set_faulty_hooks(options, injector);
        options.custom_selector = selector;
        if (hook() == Hook::key_source) {
            options.api_key.clear();
            options.key_source = [this] {
                injector.maybe_throw(Hook::key_source);
                return kKey;
            };
        }
        injector.disarm();
    }
    static Hook hook() { return std::get<0>(GetParam()); }

    /// Makes calls until one ran on this thread. If the I/O thread ran the last call, it needs a moment to
    /// release the loop.
    static bool runs_on_this_thread(Client& client, const ThreadRecordingSelector& selector) {
        for (int call = 0, before = selector.on_caller; call < 100; ++call) {
            EXPECT_THAT(client.chat(question()), IsOk());
            if (selector.on_caller > before) return true;
            std::this_thread::sleep_for(1ms);
        }
        return false;
    }

    ExceptionInjector injector{std::get<0>(GetParam()), std::get<1>(GetParam())};
    std::shared_ptr<ThreadRecordingSelector> selector = std::make_shared<ThreadRecordingSelector>(injector);
};

TEST_P(HookOnTheCallersThread, ThrowsAndTheCallReturnsAnAnswerOrATypedError) {
    Client client(options);
    ASSERT_TRUE(runs_on_this_thread(client, *selector));
    injector.arm();
    for (int call = 0; call < 3; ++call) {
        const auto result = client.chat(question());
        if (hook() != Hook::key_source && hook() != Hook::model_rule) {
            EXPECT_THAT(result, IsOk());
        } else if (!result) {
            EXPECT_THAT(result.error().code, AnyOf(ErrorCode::internal_error, ErrorCode::all_regions_unavailable,
                                                   ErrorCode::unauthenticated, ErrorCode::invalid_request));
            EXPECT_FALSE(result.error().message.empty());
        }
    }
    injector.disarm();
    EXPECT_TRUE(runs_on_this_thread(client, *selector)) << "the exceptions must not block the loop";
}

INSTANTIATE_TEST_SUITE_P(Hooks, HookOnTheCallersThread,
                         Combine(Values(Hook::retry_policy, Hook::selector, Hook::listener_attempt, Hook::listener_call,
                                        Hook::listener_region, Hook::log_sink, Hook::key_source, Hook::executor,
                                        Hook::model_rule),
                                 Values(Occurrence::first, Occurrence::second, Occurrence::third, Occurrence::always)),
                         [](const auto& test) {
                             const auto at = [](auto value) { return static_cast<std::size_t>(value); };
                             return std::string(kHookNames[at(std::get<0>(test.param))]) + "_" +
                                    kOccurrenceNames[at(std::get<1>(test.param))];
                         });

}  // namespace
