// Controls a headless browser through the W3C WebDriver protocol.
// test → [WebDriver] → ChromeDriver → Chromium → page
#pragma once

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>

#include "scratch_folder.hpp"

namespace holysheep::browser {

/// One browser with one window. All functions throw std::runtime_error on failure.
class WebDriver {
  public:
    /// Returns false if chromedriver is only a stub for a missing package, as Ubuntu's is for a snap.
    static bool can_start();
    WebDriver();
    ~WebDriver();
    WebDriver(const WebDriver&) = delete;
    WebDriver& operator=(const WebDriver&) = delete;

    void open(const std::string& url);
    void reload();
    /// Runs `script` as the body of a function and returns its result.
    nlohmann::json run(const std::string& script);
    /// Polls a JavaScript expression until it is true. Returns false on timeout.
    bool eventually(const std::string& expression);
    /// Sends keys to the focused element. Keys without text are WebDriver's private code points.
    void press(const std::u16string& keys);
    /// Sets the window size in CSS pixels, and the preferred colour scheme.
    void set_screen(int width, int height, bool dark);
    /// Returns the console entries since the last call, each with `level`, `source` and `message`.
    nlohmann::json console();
    /// Writes a PNG file.
    void take_screenshot(const std::string& file);

  private:
    /// Leaves `address_` empty if the driver cannot listen.
    void start_driver();
    nlohmann::json request(const std::string& method, const std::string& path, const nlohmann::json& body = nullptr);

    loopback::ScratchFolder folder_;
    pid_t driver_ = 0;
    std::string log_, address_, session_;
};

}  // namespace holysheep::browser
