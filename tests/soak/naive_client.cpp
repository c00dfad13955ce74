// A typical hand-written loop around libcurl: tries each region in turn for three seconds. It buffers streams, so that
// it can retry after content; it takes any transfer that libcurl reports as complete for an answer.
#include <curl/curl.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "proxy_text.hpp"
#include "test_client.hpp"

namespace holysheep::soak {

namespace {

using std::chrono::steady_clock;

constexpr long kTimeoutMs = 3'000;

struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

std::string body_of(const Question& question) {
    nlohmann::json body{{"model", std::string(model_of(question))},
                        {"messages", {{{"role", "user"}, {"content", question.text}}}}};
    if (question.streamed) body["stream"] = true;
    return body.dump();
}

/// Throws nlohmann::json::exception if `body` is not an answer.
std::string text_of_plain(const std::string& body) {
    return nlohmann::json::parse(body).at("choices").at(0).at("message").at("content").get<std::string>();
}

std::string text_of_stream(std::string_view body) {
    std::string text;
    constexpr std::string_view kData = "data: ";
    while (!body.empty()) {
        const auto end = std::min(body.find('\n'), body.size());
        const auto line = body.substr(0, end);
        body.remove_prefix(std::min(end + 1, body.size()));
        if (!line.starts_with(kData) || line == "data: [DONE]") continue;
        const auto json = nlohmann::json::parse(line.substr(kData.size()));
        if (json.at("choices").empty()) continue;
        text += json.at("choices").at(0).at("delta").value("content", "");
    }
    return text;
}

class NaiveClient final : public TestClient {
  public:
    explicit NaiveClient(const std::vector<Region>& regions) {
        for (const auto& region : regions) urls_.push_back(region.base_url + "/chat/completions");
    }
    ~NaiveClient() override {
        std::unique_lock lock(mutex_);
        all_done_.wait(lock, [this] { return running_ == 0; });
    }
    NaiveClient(const NaiveClient&) = delete;
    NaiveClient& operator=(const NaiveClient&) = delete;

    void send(const Question& question, Done done) override {
        {
            const std::lock_guard lock(mutex_);
            ++running_;
        }
        std::thread([this, question, done = std::move(done)] {
            done(loop(question));
            const std::lock_guard lock(mutex_);
            if (--running_ == 0) all_done_.notify_all();
        }).detach();
    }

  private:
    Outcome loop(const Question& question) {
        Outcome outcome;
        const auto started = steady_clock::now();
        const auto request = body_of(question);
        auto easy = take_handle();
        for (const auto& url : urls_) {
            ++outcome.attempts;
            std::string body;
            const auto code = transfer(easy.get(), url, question, request, body);
            long status = 0;
            curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
            try {
                if (code == CURLE_OK && status == 200) {
                    outcome.text = question.streamed ? text_of_stream(body) : text_of_plain(body);
                    outcome.answered = true;
                    break;
                }
            } catch (const nlohmann::json::exception&) {
                // Not an answer: try the next region.
            }
            outcome.diagnosis +=
                url + ": " + (code == CURLE_OK ? std::to_string(status) : curl_easy_strerror(code)) + "; ";
        }
        outcome.first_content = steady_clock::now() - started;
        return_handle(std::move(easy));
        return outcome;
    }

    static CURLcode transfer(CURL* easy, const std::string& url, const Question& question, const std::string& request,
                             std::string& body) {
        curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
        if (question.thinking) headers = curl_slist_append(headers, (std::string(kThinkingHeader) + ": 1").c_str());
        curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.data());
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, kTimeoutMs);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
        curl_easy_setopt(
            easy, CURLOPT_WRITEFUNCTION, +[](char* bytes, std::size_t size, std::size_t count, void* text) {
                static_cast<std::string*>(text)->append(bytes, size * count);
                return size * count;
            });
        const auto code = curl_easy_perform(easy);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
        curl_slist_free_all(headers);
        return code;
    }

    Easy take_handle() {
        const std::lock_guard lock(mutex_);
        if (idle_.empty()) return Easy(curl_easy_init());
        auto easy = std::move(idle_.back());
        idle_.pop_back();
        return easy;
    }
    void return_handle(Easy easy) {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(easy));
    }

    std::vector<std::string> urls_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable all_done_;
    int running_ = 0;
    std::vector<Easy> idle_;
};

}  // namespace

std::unique_ptr<TestClient> make_naive_client(const std::vector<Region>& regions) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return std::make_unique<NaiveClient>(regions);
}

}  // namespace holysheep::soak
