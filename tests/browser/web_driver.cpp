// WebDriver is JSON over HTTP: one request per command.
#include "web_driver.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <regex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "child_process.hpp"
#include "http_exchange.hpp"

namespace holysheep::browser {

namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr int kPolls = 300, kStartAttempts = 5;
constexpr auto kPollInterval = 50ms;

std::string from_base64(const std::string& text) {
    std::string bytes;
    unsigned bits = 0;
    int count = 0;
    for (const char c : text) {
        static const std::string kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const auto value = kAlphabet.find(c);
        if (value == std::string::npos) continue;
        bits = bits << 6U | static_cast<unsigned>(value);
        if ((count += 6) >= 8) bytes += static_cast<char>(bits >> static_cast<unsigned>(count -= 8) & 0xffU);
    }
    return bytes;
}

std::string to_utf8(char16_t c) {
    const auto code = static_cast<unsigned>(c);
    if (code < 0x80) return {static_cast<char>(code)};
    if (code < 0x800) return {static_cast<char>(0xc0U | code >> 6U), static_cast<char>(0x80U | (code & 0x3fU))};
    return {static_cast<char>(0xe0U | code >> 12U), static_cast<char>(0x80U | (code >> 6U & 0x3fU)),
            static_cast<char>(0x80U | (code & 0x3fU))};
}

}  // namespace

bool WebDriver::can_start() {
    const loopback::ScratchFolder folder;
    return bench::run_program({"chromedriver", "--version"}, folder.path("log"));
}

WebDriver::WebDriver() {
    for (int i = 0; i < kStartAttempts && address_.empty(); ++i) {
        log_ = "log-" + std::to_string(i);
        start_driver();
    }
    const Json options{
        {"args",
         {"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
          "--no-proxy-server", "--hide-scrollbars", "--user-data-dir=" + folder_.path("profile")}}};
    const auto session = request("POST", "/session",
                                 {{"capabilities",
                                   {{"alwaysMatch",
                                     {{"browserName", "chrome"},
                                      {"goog:chromeOptions", options},
                                      {"goog:loggingPrefs", {{"browser", "ALL"}}}}}}}});
    session_ = "/session/" + session["sessionId"].get<std::string>();
}

void WebDriver::start_driver() {
    driver_ = bench::start_program({"chromedriver", "--port=0"}, folder_.path(log_));
    for (int i = 0; i < kPolls; ++i) {
        const auto log = folder_.read(log_);
        std::smatch found;
        if (std::regex_search(log, found, std::regex("started successfully on port ([0-9]+)"))) {
            address_ = "http://127.0.0.1:" + found[1].str();
            return;
        }
        // With port 0 the driver takes a free IPv6 port; another program may own the same IPv4 port.
        if (log.find("port not available. Exiting") != std::string::npos) break;
        std::this_thread::sleep_for(kPollInterval);
    }
    bench::end_process(std::exchange(driver_, 0));
}

WebDriver::~WebDriver() {
    if (!session_.empty()) loopback::http(address_ + session_, {}, "DELETE");
    bench::end_process(driver_);
}

Json WebDriver::request(const std::string& method, const std::string& path, const Json& body) {
    const auto reply = loopback::http(address_ + path, {"Content-Type: application/json"}, method,
                                      method == "POST" ? (body.is_null() ? "{}" : body.dump()) : "");
    auto json = Json::parse(reply.body, nullptr, false);
    if (reply.status != 200 || json.is_discarded()) {
        throw std::runtime_error("browser: " + path + ": " + std::to_string(reply.status) + " " + reply.body +
                                 folder_.read(log_));
    }
    return json["value"];
}

void WebDriver::open(const std::string& url) { request("POST", session_ + "/url", {{"url", url}}); }
void WebDriver::reload() { request("POST", session_ + "/refresh"); }

Json WebDriver::run(const std::string& script) {
    return request("POST", session_ + "/execute/sync", {{"script", script}, {"args", Json::array()}});
}

bool WebDriver::eventually(const std::string& expression) {
    for (int i = 0; i < kPolls; ++i) {
        if (run("return Boolean(" + expression + ")")) return true;
        std::this_thread::sleep_for(kPollInterval);
    }
    return false;
}

void WebDriver::press(const std::u16string& keys) {
    auto actions = Json::array();
    for (const char16_t key : keys) {
        for (const auto* type : {"keyDown", "keyUp"}) actions.push_back({{"type", type}, {"value", to_utf8(key)}});
    }
    request("POST", session_ + "/actions",
            {{"actions", {{{"type", "key"}, {"id", "keyboard"}, {"actions", actions}}}}});
}

void WebDriver::set_screen(int width, int height, bool dark) {
    const auto command = [&](const char* name, const Json& parameters) {
        request("POST", session_ + "/goog/cdp/execute", {{"cmd", name}, {"params", parameters}});
    };
    command("Emulation.setDeviceMetricsOverride",
            {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", width < 600}});
    command("Emulation.setEmulatedMedia",
            {{"features", {{{"name", "prefers-color-scheme"}, {"value", dark ? "dark" : "light"}}}}});
}

Json WebDriver::console() { return request("POST", session_ + "/se/log", {{"type", "browser"}}); }

void WebDriver::take_screenshot(const std::string& file) {
    const auto bytes = from_base64(request("GET", session_ + "/screenshot").get<std::string>());
    std::ofstream(file, std::ios::binary) << bytes;
}

}  // namespace holysheep::browser
