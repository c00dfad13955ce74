// Uses curl_multi_poll instead of epoll: with 64 transfers in flight both cost the same, and curl_multi_poll is
// simpler.
#include "raw_client.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "question.hpp"

namespace holysheep::bench {

namespace {

std::string encode_raw(const Question& question) {
    const nlohmann::json body{
        {"model", question.model},
        {"messages", nlohmann::json::array({{{"role", "system"}, {"content", question.instructions}},
                                            {{"role", "user"}, {"content", question.text}}})},
        {"temperature", question.temperature},
        {"max_tokens", question.max_tokens}};
    return body.dump();
}

}  // namespace

RawAnswer decode_raw(std::string_view body) {
    const auto json = nlohmann::json::parse(body);
    const auto& choice = json.at("choices").at(0);
    const auto& message = choice.at("message");
    const auto& usage = json.at("usage");
    return {.id = json.at("id").get<std::string>(),
            .model = json.at("model").get<std::string>(),
            .role = message.at("role").get<std::string>(),
            .content = message.at("content").get<std::string>(),
            .finish_reason = choice.at("finish_reason").get<std::string>(),
            .created = json.at("created").get<std::int64_t>(),
            .prompt_tokens = usage.at("prompt_tokens").get<std::int64_t>(),
            .completion_tokens = usage.at("completion_tokens").get<std::int64_t>(),
            .total_tokens = usage.at("total_tokens").get<std::int64_t>()};
}

RawTransfer::RawTransfer(const RawTarget& target)
    : easy_(curl_easy_init(), &curl_easy_cleanup),
      headers_(nullptr, &curl_slist_free_all),
      url_(target.base_url + "/chat/completions") {
    for (const char* line : {"Content-Type: application/json", "Authorization: Bearer sk-benchmark", "Expect:"}) {
        auto* const extended = curl_slist_append(headers_.get(), line);
        if (extended == nullptr) throw std::bad_alloc();
        static_cast<void>(headers_.release());
        headers_.reset(extended);
    }
    auto* easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
    curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &RawTransfer::on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    if (!target.ca_file.empty()) {
        // With a CAPATH, libcurl would not cache the parsed certificates.
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
        curl_easy_setopt(easy, CURLOPT_CAINFO, target.ca_file.c_str());
    }
}

void RawTransfer::prepare() {
    question_ = encode_raw(benchmark_question());
    answer_.clear();
    curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDS, question_.data());
    curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(question_.size()));
}

void RawTransfer::check(CURLcode result) const {
    if (result != CURLE_OK) throw std::runtime_error(std::string("raw client: ") + curl_easy_strerror(result));
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) throw std::runtime_error("raw client: status " + std::to_string(status));
    const auto answer = decode_raw(answer_);
    if (answer.content != answer_text() || answer.total_tokens != 150)
        throw std::runtime_error("raw client: wrong answer");
}

std::size_t RawTransfer::on_bytes(char* bytes, std::size_t size, std::size_t count, void* self) {
    static_cast<RawTransfer*>(self)->answer_.append(bytes, size * count);
    return size * count;
}

RawMultiClient::RawMultiClient(const RawTarget& target, std::size_t in_flight)
    : multi_(curl_multi_init(), &curl_multi_cleanup) {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(4 * in_flight));
    for (std::size_t i = 0; i < in_flight; ++i) transfers_.push_back(std::make_unique<RawTransfer>(target));
}

RawMultiClient::~RawMultiClient() {
    for (const auto& transfer : transfers_) curl_multi_remove_handle(multi_.get(), transfer->handle());
}

std::uint64_t RawMultiClient::run_until(TimePoint end) {
    auto* multi = multi_.get();
    for (const auto& transfer : transfers_) {
        transfer->prepare();
        curl_multi_add_handle(multi, transfer->handle());
    }
    std::uint64_t answered = 0;
    for (auto in_flight = transfers_.size(); in_flight > 0;) {
        int running = 0;
        curl_multi_perform(multi, &running);
        bool added = false;
        int left = 0;
        while (auto* message = curl_multi_info_read(multi, &left)) {
            RawTransfer* transfer = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            const auto result = message->data.result;
            curl_multi_remove_handle(multi, transfer->handle());
            transfer->check(result);
            ++answered;
            if (std::chrono::steady_clock::now() < end) {
                transfer->prepare();
                curl_multi_add_handle(multi, transfer->handle());
                added = true;
            } else {
                --in_flight;
            }
        }
        if (!added && in_flight > 0) curl_multi_poll(multi, nullptr, 0, 1'000, nullptr);
    }
    return answered;
}

void RawEasyClient::ask() {
    transfer_.prepare();
    transfer_.check(curl_easy_perform(transfer_.handle()));
}

}  // namespace holysheep::bench
