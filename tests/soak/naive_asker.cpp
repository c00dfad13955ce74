// The loop that programs write around libcurl: one region after the other, three seconds each. It collects streams
// before it shows them, so that it may ask again after content; a transfer that libcurl calls complete is its answer.
#include <curl/curl.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "asker.hpp"
#include "proxy_text.hpp"

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

/// Throws nlohmann's exceptions for what is not JSON.
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

class NaiveAsker final : public Asker {
  public:
    explicit NaiveAsker(const std::vector<Region>& regions) {
        for (const auto& region : regions) urls_.push_back(region.base_url + "/chat/completions");
    }
    ~NaiveAsker() override {
        std::unique_lock lock(mutex_);
        all_done_.wait(lock, [this] { return running_ == 0; });
    }
    NaiveAsker(const NaiveAsker&) = delete;
    NaiveAsker& operator=(const NaiveAsker&) = delete;

    void ask(const Question& question, Done done) override {
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
    Heard loop(const Question& question) {
        Heard heard;
        const auto begun = steady_clock::now();
        const auto request = body_of(question);
        auto easy = take_handle();
        for (const auto& url : urls_) {
            ++heard.attempts;
            std::string body;
            const auto code = send(easy.get(), url, question, request, body);
            long status = 0;
            curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
            try {
                if (code == CURLE_OK && status == 200) {
                    heard.text = question.streamed ? text_of_stream(body) : text_of_plain(body);
                    heard.answered = true;
                    break;
                }
            } catch (const nlohmann::json::exception&) {
                // Not an answer: the next region.
            }
            heard.trouble += url + ": " + (code == CURLE_OK ? std::to_string(status) : curl_easy_strerror(code)) + "; ";
        }
        heard.first_content = steady_clock::now() - begun;
        give_back(std::move(easy));
        return heard;
    }

    static CURLcode send(CURL* easy, const std::string& url, const Question& question, const std::string& request,
                         std::string& body) {
        curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
        if (question.thinking) headers = curl_slist_append(headers, (std::string(kThinksHeader) + ": 1").c_str());
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
    void give_back(Easy easy) {
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

std::unique_ptr<Asker> make_naive_asker(const std::vector<Region>& regions) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return std::make_unique<NaiveAsker>(regions);
}

}  // namespace holysheep::soak
