// Uses the library as a typical program would, without tuning.
#include "library_load.hpp"

#include <stdexcept>
#include <utility>

#include "question.hpp"

namespace holysheep::bench {

ClientOptions options_for(const RawTarget& target) {
    ClientOptions options;
    options.api_key = "sk-benchmark";
    options.base_url = target.base_url;
    options.tls.ca_file = target.ca_file;
    return options;
}

ChatRequest make_request() {
    const auto& question = benchmark_question();
    ChatRequest request{.model = question.model};
    request.messages.reserve(2);
    request.messages.push_back(holysheep::system_prompt(question.instructions));
    request.messages.push_back(user(question.text));
    request.temperature = question.temperature;
    request.max_tokens = question.max_tokens;
    return request;
}

void check(const Result<ChatCompletion>& answer) {
    if (!answer) throw std::runtime_error("holysheep: " + answer.error().message);
    if (answer->text() != answer_text() || answer->usage.total_tokens != 150) {
        throw std::runtime_error("holysheep: wrong answer");
    }
}

std::uint64_t AsyncLoad::run_until(TimePoint end) {
    end_ = end;
    answered_ = 0;
    running_ = in_flight_;
    for (int i = 0; i < in_flight_; ++i) ask();
    for (int left = running_; left > 0; left = running_) running_.wait(left);
    if (failed_) throw std::runtime_error("holysheep: an asynchronous call failed");
    return answered_;
}

void AsyncLoad::ask() {
    client_.chat_async(make_request(), {}, [this](const Result<ChatCompletion>& answer) { on_answer(answer); });
}

void AsyncLoad::on_answer(const Result<ChatCompletion>& answer) {
    try {
        check(answer);
    } catch (const std::exception&) {
        failed_ = true;
    }
    answered_.fetch_add(1, std::memory_order_relaxed);
    if (!failed_ && std::chrono::steady_clock::now() < end_) {
        ask();
    } else if (running_.fetch_sub(1) == 1) {
        running_.notify_one();
    }
}

ThreadedLoad::ThreadedLoad(ClientOptions options, int threads) : client_(std::move(options)), gate_(threads + 1) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

ThreadedLoad::~ThreadedLoad() {
    stop_ = true;
    gate_.arrive_and_wait();
}

std::uint64_t ThreadedLoad::run_until(TimePoint end) {
    end_ = end;
    answered_ = 0;
    gate_.arrive_and_wait();
    gate_.arrive_and_wait();
    if (failed_) throw std::runtime_error("holysheep: a blocking call failed");
    return answered_;
}

void ThreadedLoad::work() {
    for (;;) {
        gate_.arrive_and_wait();
        if (stop_) return;
        try {
            std::uint64_t answered = 0;
            for (; std::chrono::steady_clock::now() < end_; ++answered) check(client_.chat(make_request()));
            answered_ += answered;
        } catch (const std::exception&) {
            failed_ = true;
        }
        gate_.arrive_and_wait();
    }
}

}  // namespace holysheep::bench
