// Implements the retry loop that all reference policies share.
#include "reference_client.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace holysheep::sim {

namespace {

using namespace std::chrono_literals;

constexpr int kRetries = 2;
constexpr Time kBackoff = 500ms;
constexpr Time kAttemptTimeout = 10s;

Time retry_after(const HttpHead& head) {
    for (const auto& [name, value] : head.headers) {
        if (name != "retry-after") continue;
        int wait = 0;
        std::from_chars(value.data(), value.data() + value.size(), wait);
        return std::chrono::seconds(wait);
    }
    return {};
}

class ReferenceClient final : public Caller, private TransferEvents {
  public:
    ReferenceClient(const Process& process, std::unique_ptr<RegionPicker> picker)
        : process_(process), env_(process.env), picker_(std::move(picker)) {}

    // When a process ends, the kernel closes the connections of its requests.
    ~ReferenceClient() override {
        for (auto& [id, attempt] : attempts_) {
            env_.queue.cancel(attempt.timer);
            process_.transport->cancel(id);
        }
        for (const auto& [call, timer] : waits_) env_.queue.cancel(timer);
        for (const auto& [call, timer] : deadlines_) env_.queue.cancel(timer);
    }
    ReferenceClient(const ReferenceClient&) = delete;
    ReferenceClient& operator=(const ReferenceClient&) = delete;

    void start_call(CallNumber call) override {
        if (const auto deadline = env_.plan.deadline) {
            deadlines_[call] = env_.queue.at(env_.queue.now() + *deadline, [this, call] { expire(call); });
        }
        next(call, 0);
    }
    // Nothing to do: all its clocks are relative.
    void jump(Time) override {}

  private:
    struct Attempt {
        CallNumber call = 0;
        int number = 0;
        std::size_t region = 0;
        Time began{};
        EventQueue::EventId timer = 0;
        HttpHead head{};
        bool content = false;
    };

    void next(CallNumber call, int number) {
        picker_->pick(call, [this, call, number](std::size_t region) { dispatch(call, number, region); });
    }

    void dispatch(CallNumber call, int number, std::size_t region) {
        if (env_.plan.deadline && !deadlines_.contains(call)) return;  // it passed during the pick
        HttpRequest request{.url = base_url(env_.plan.regions[region]) + "/chat/completions"};
        request.headers = {{std::string(kCallHeader), std::to_string(call)}};
        picker_->dispatched(region);
        const auto id = process_.transport->start(std::move(request), *this);
        Attempt attempt{.call = call, .number = number, .region = region, .began = env_.queue.now()};
        attempt.timer = env_.queue.at(env_.queue.now() + kAttemptTimeout, [this, id] { time_out(id); });
        attempts_.emplace(id, std::move(attempt));
    }

    bool may_send(TransferId) override { return true; }
    void on_head(TransferId id, HttpHead head) override { attempts_.at(id).head = std::move(head); }

    void on_body(TransferId id, std::string_view bytes) override {
        auto& attempt = attempts_.at(id);
        if (attempt.content || attempt.head.status != 200 || bytes.starts_with(':')) return;
        attempt.content = true;
        env_.queue.cancel(attempt.timer);
        env_.ledger.first_content(attempt.call, env_.queue.now());
        report_outcome(attempt, true);
    }

    void on_end(TransferId id, TransferEnd end) override {
        const auto attempt = take(id);
        if (!end.error && attempt.head.status == 200) {
            write(attempt, "answered");
            finish(attempt.call, true);
        } else if (attempt.content) {
            write(attempt, "cut after content");
            finish(attempt.call, false);
        } else {
            fail(attempt, end.error ? end.detail : "HTTP " + std::to_string(attempt.head.status));
        }
    }

    void time_out(TransferId id) {
        const auto attempt = take(id);
        process_.transport->cancel(id);
        fail(attempt, "no content in time");
    }

    Attempt take(TransferId id) {
        auto attempt = std::move(attempts_.at(id));
        attempts_.erase(id);
        env_.queue.cancel(attempt.timer);
        picker_->ended(attempt.region);
        return attempt;
    }

    void fail(const Attempt& attempt, const std::string& why) {
        write(attempt, why);
        report_outcome(attempt, false);
        if (attempt.number == kRetries) {
            finish(attempt.call, false);
            return;
        }
        const auto wait = std::max(kBackoff * (1 << attempt.number), retry_after(attempt.head));
        waits_[attempt.call] =
            env_.queue.at(env_.queue.now() + wait, [this, call = attempt.call, number = attempt.number] {
                waits_.erase(call);
                next(call, number + 1);
            });
    }

    void report_outcome(const Attempt& attempt, bool succeeded) {
        picker_->on_outcome(
            {.region = attempt.region, .succeeded = succeeded, .latency = env_.queue.now() - attempt.began});
    }

    void expire(CallNumber call) {
        if (const auto wait = waits_.find(call); wait != waits_.end()) {
            env_.queue.cancel(wait->second);
            waits_.erase(wait);
        }
        const auto open = std::ranges::find(attempts_, call, [](const auto& entry) { return entry.second.call; });
        if (open != attempts_.end()) {
            const auto id = open->first;
            const auto attempt = take(id);
            process_.transport->cancel(id);
            write(attempt, "the deadline passed");
            if (!attempt.content) report_outcome(attempt, false);
        }
        finish(call, false);
    }

    void finish(CallNumber call, bool succeeded) {
        if (const auto deadline = deadlines_.find(call); deadline != deadlines_.end()) {
            env_.queue.cancel(deadline->second);
            deadlines_.erase(deadline);
        }
        picker_->call_over(call);
        env_.ledger.over(call, succeeded, env_.queue.now());
    }

    void write(const Attempt& attempt, const std::string& outcome) {
        if (!env_.trace.on()) return;
        env_.trace.line(env_.queue.now(), process_.client,
                        "call " + std::to_string(attempt.call) + " attempt " + std::to_string(attempt.number + 1) +
                            " at" + clock_text(attempt.began) + " " + (attempt.number == 0 ? "first " : "retry ") +
                            env_.plan.regions[attempt.region].id + ": " + outcome);
    }

    Process process_;
    Environment env_;
    std::unordered_map<TransferId, Attempt> attempts_;
    std::unordered_map<CallNumber, EventQueue::EventId> waits_, deadlines_;
    std::unique_ptr<RegionPicker> picker_;  // destroyed first, because its probes are still open
};

}  // namespace

RegionPicker::~RegionPicker() = default;

Prober::Prober(const Process& process) : process_(process) {}

Prober::~Prober() {
    for (const auto& [id, open] : open_) {
        process_.env.queue.cancel(open.timer);
        process_.transport->cancel(id);
    }
}

void Prober::send(std::size_t region, std::string_view path, Time timeout, OnProbe on_answer) {
    auto& queue = process_.env.queue;
    HttpRequest request{.method = "GET", .url = base_url(process_.env.plan.regions[region]) + std::string(path)};
    const auto id = process_.transport->start(std::move(request), *this);
    Open open{.began = queue.now(), .on_answer = std::move(on_answer)};
    open.timer = queue.at(queue.now() + timeout, [this, id] {
        const auto late = std::move(open_.at(id).on_answer);
        open_.erase(id);
        process_.transport->cancel(id);
        late(std::nullopt);
    });
    open_.emplace(id, std::move(open));
}

bool Prober::may_send(TransferId) { return true; }
void Prober::on_head(TransferId id, HttpHead head) { open_.at(id).head = std::move(head); }
void Prober::on_body(TransferId, std::string_view) {}

void Prober::on_end(TransferId id, TransferEnd end) {
    auto open = std::move(open_.at(id));
    open_.erase(id);
    auto& queue = process_.env.queue;
    queue.cancel(open.timer);
    std::optional<ProbeAnswer> answer;
    if (!end.error && open.head.status == 200) answer = {queue.now() - open.began, std::move(open.head)};
    open.on_answer(std::move(answer));
}

std::unique_ptr<Caller> make_reference(const Process& process, std::unique_ptr<RegionPicker> picker) {
    return std::make_unique<ReferenceClient>(process, std::move(picker));
}

}  // namespace holysheep::sim
