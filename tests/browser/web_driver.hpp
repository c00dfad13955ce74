// A headless browser that a test steers, by the W3C's WebDriver protocol.
// test → [WebDriver] → ChromeDriver → Chromium → page
#pragma once

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>

#include "scratch_folder.hpp"

namespace holysheep::browser {

/// One browser with one window. Whatever it cannot do is a std::runtime_error.
class WebDriver {
  public:
    /// False where the program is only a stub for a package that is not there, as Ubuntu's is for a snap.
    static bool can_start();
    WebDriver();
    ~WebDriver();
    WebDriver(const WebDriver&) = delete;
    WebDriver& operator=(const WebDriver&) = delete;

    void open(const std::string& url);
    void reload();
    /// The body of a function without arguments; gives what it returns.
    nlohmann::json run(const std::string& script);
    /// Looks again and again whether an expression is true; false if it did not become so in time.
    bool comes_true(const std::string& expression);
    /// Presses keys one after the other, on what has the focus. WebDriver's code points stand for keys without text.
    void press(const std::u16string& keys);
    /// The window's size in CSS pixels, and whether the system is said to be dark.
    void set_screen(int width, int height, bool dark);
    /// What stands in the console since the last time: `level`, `source`, `message` each.
    nlohmann::json console();
    /// As a PNG file.
    void take_picture(const std::string& file);

  private:
    /// Leaves address_ empty if the driver could not listen.
    void start_driver();
    nlohmann::json ask(const std::string& method, const std::string& path, const nlohmann::json& body = nullptr);

    loopback::ScratchFolder folder_;
    pid_t driver_ = 0;
    std::string log_, address_, session_;
};

}  // namespace holysheep::browser
