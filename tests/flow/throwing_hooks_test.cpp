// Any hook may throw any exception at any time: the current call uses the default behaviour or ends with a typed
// error, and the client and the process keep working.
#include <future>
#include <tuple>

#include "call_flow.hpp"
#include "throwing_hooks.hpp"

namespace holysheep::flow {
namespace {

using ::testing::AnyOf;
using ::testing::Combine;
using ::testing::Values;

enum class Form { chat, future, callback, stream, stream_callbacks };
constexpr const char* kFormNames[] = {"chat", "future", "callback", "stream", "stream_callbacks"};

struct FaultyClock final : Clock {
    FaultyClock(ExceptionInjector& f, FakeClock& c) : injector(f), clock(c) {}
    time_point now() const override {
        injector.maybe_throw(Hook::clock_now);
        return clock.now();
    }
    TimerId call_at(time_point when, std::function<void()> function) override {
        injector.maybe_throw(Hook::clock_call_at);
        return clock.call_at(when, std::move(function));
    }
    void cancel(TimerId timer) override {
        clock.cancel(timer);
        injector.maybe_throw(Hook::clock_cancel);
    }
    void post(std::function<void()> function) override {
        injector.maybe_throw(Hook::clock_post);
        clock.post(std::move(function));
    }
    ExceptionInjector& injector;
    FakeClock& clock;
};

struct FaultyTransport final : Transport {
    FaultyTransport(ExceptionInjector& f, FakeTransport& t) : injector(f), transport(t) {}
    TransferId start(HttpRequest request, TransferEvents& events) override {
        injector.maybe_throw(Hook::transport_start);
        return transport.start(std::move(request), events);
    }
    void cancel(TransferId id) override {
        transport.cancel(id);
        injector.maybe_throw(Hook::transport_cancel);
    }
    void pause(TransferId id) override {
        transport.pause(id);
        injector.maybe_throw(Hook::transport_pause);
    }
    void resume(TransferId id) override {
        transport.resume(id);
        injector.maybe_throw(Hook::transport_resume);
    }
    std::optional<PathEvidence> evidence(TransferId id) const override {
        injector.maybe_throw(Hook::transport_evidence);
        return transport.evidence(id);
    }
    ExceptionInjector& injector;
    FakeTransport& transport;
};

using Case = std::tuple<Hook, Occurrence, Form>;

class ThrowingHook : public ::testing::TestWithParam<Case> {
  protected:
    // Sets the clock ahead of the machine's own, which is all that is known while this clock throws: its timers are
    // always due.
    ThrowingHook() { clock.advance(std::chrono::steady_clock::now().time_since_epoch()); }

    Hook hook() const { return std::get<0>(GetParam()); }

    ClientOptions options() {
        ClientOptions options;
        options.regions = FakeTransport::regions({"us-west", "eu-central"});
        for (int tier = 0; auto& region : options.regions) region.tier = tier++;
        // If the executor throws, another thread fetches the key, and an automatic clock does not wait for that thread.
        if (hook() == Hook::executor) {
            options.api_key = "k";
        } else {
            options.key_source = [this] {
                injector.maybe_throw(Hook::key_source);
                return std::string("k");
            };
        }
        options.health.enabled = false;
        options.seed = 7;
        set_faulty_hooks(options, injector);
        options.custom_selector = std::make_shared<FaultySelector>(injector);
        options.transport = std::make_shared<FaultyTransport>(injector, transport);
        options.clock = std::make_shared<FaultyClock>(injector, clock);
        return options;
    }

    Result<ChatCompletion> ask(Client& client) const {
        std::promise<Result<ChatCompletion>> done;
        const auto on_done = [&](Result<ChatCompletion> result) { done.set_value(std::move(result)); };
        switch (std::get<2>(GetParam())) {
            case Form::chat: return client.chat(a_question());
            case Form::future: return client.chat_async(a_question()).get();
            case Form::callback: client.chat_async(a_question(), {}, on_done); break;
            case Form::stream: return client.stream(a_question()).finish();
            case Form::stream_callbacks: {
                auto handle = client.stream_async(
                    a_question(), {}, [](const ChatChunk&) {}, on_done);
                handle.pause();
                handle.resume();
                break;
            }
        }
        auto result = done.get_future();
        if (result.wait_for(10s) != std::future_status::ready) {
            ADD_FAILURE() << "the callback was not called";
            std::abort();  // the callback would write into destroyed objects
        }
        return result.get();
    }

    ExceptionInjector injector{std::get<0>(GetParam()), std::get<1>(GetParam())};
    FakeClock clock{FakeClock::Mode::automatic};
    FakeTransport transport{clock};
};

bool has_default_behaviour(Hook hook, Occurrence occurrence) {
    switch (hook) {
        case Hook::clock_now: return occurrence != Occurrence::always;  // no default can replace such a clock
        case Hook::key_source:
        case Hook::model_rule:
        case Hook::transport_start:
        case Hook::clock_call_at:
        case Hook::clock_post: return false;
        default: return true;
    }
}

TEST_P(ThrowingHook, LeavesATypedResultAndAUsableClient) {
    transport.reply_raw("us-west", 503, {}, "", {.first_byte = 10ms});
    transport.reply("eu-central", "hello", {.first_byte = 400ms});
    std::optional<Client> client(options());
    for (int call = 0; call < 3; ++call) {
        const auto result = ask(*client);
        if (has_default_behaviour(hook(), std::get<1>(GetParam()))) {
            EXPECT_THAT(result, IsOk());
        } else if (!result) {
            EXPECT_THAT(result.error().code, AnyOf(ErrorCode::internal_error, ErrorCode::all_regions_unavailable,
                                                   ErrorCode::deadline_exceeded, ErrorCode::timed_out,
                                                   ErrorCode::unauthenticated, ErrorCode::invalid_request));
            EXPECT_FALSE(result.error().message.empty());
        }
    }
    injector.disarm();
    // The exceptions may have used up the budgets for more than one attempt per call.
    bool answers = false;
    for (int call = 0; call < 3 && !answers; ++call) answers = ask(*client).has_value();
    EXPECT_TRUE(answers);
    client.reset();
    EXPECT_EQ(transport.open_transfers(), 0U);
}

TEST_P(ThrowingHook, DoesNotPreventDestruction) {
    transport.hang("us-west").hang("eu-central");
    clock.set_mode(FakeClock::Mode::manual);
    std::future<Result<ChatCompletion>> result;
    {
        Client client(options());
        client.drain("us-west");
        client.force_open("eu-central");
        result = client.chat_async(a_question());
        client.resume("us-west");
        clock.advance(1s);
    }
    ASSERT_TRUE(is_ready(result));
    EXPECT_FALSE(result.get());
    EXPECT_EQ(transport.open_transfers(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Hooks, ThrowingHook,
                         Combine(Values(Hook::retry_policy, Hook::selector, Hook::listener_attempt, Hook::listener_call,
                                        Hook::listener_region, Hook::log_sink, Hook::key_source, Hook::executor,
                                        Hook::model_rule, Hook::transport_start, Hook::transport_cancel,
                                        Hook::transport_pause, Hook::transport_resume, Hook::transport_evidence,
                                        Hook::clock_now, Hook::clock_call_at, Hook::clock_cancel, Hook::clock_post),
                                 Values(Occurrence::first, Occurrence::second, Occurrence::third, Occurrence::always),
                                 Values(Form::chat, Form::future, Form::callback, Form::stream,
                                        Form::stream_callbacks)),
                         [](const auto& test) {
                             const auto at = [](auto value) { return static_cast<std::size_t>(value); };
                             return std::string(kHookNames[at(std::get<0>(test.param))]) + "_" +
                                    kOccurrenceNames[at(std::get<1>(test.param))] + "_" +
                                    kFormNames[at(std::get<2>(test.param))];
                         });

}  // namespace
}  // namespace holysheep::flow
