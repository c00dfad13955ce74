// A live page in the terminal: which region answers, how fast, what failed over, what it costs.
//   dashboard [--demo] [--once | --json | --prometheus | --serve [port]]
// HOLYSHEEP_REGIONS says whose regions; --demo, or nothing configured, brings up three simulated ones that break by
// themselves. On a terminal it redraws twice a second: a number key drains a region or takes it back, q quits. With
// --once, or without a terminal, it prints the page as plain text after some calls, --json and --prometheus the
// snapshot; --serve shows it in the browser, on a port of loopback. A real gateway is asked one small question a
// second, which is billed.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <holysheep/dashboard/server.hpp>
#include <holysheep/holysheep.hpp>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "demo.hpp"
#include "terminal.hpp"

using namespace std::chrono_literals;
using holysheep::Client;

namespace {

/// The last things that happened, with their time. Told by the client's callback thread, read by the page.
class News final : public holysheep::EventListener {
  public:
    void add(const std::string& line) {
        const std::lock_guard lock(mutex_);
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_);
        lines_.push_back(std::to_string(age.count()) + "s  " + line);
        if (lines_.size() > 8) lines_.pop_front();
    }
    void on_region(const holysheep::RegionHealth& region) override {
        add(region.id + " is " + std::string(to_string(region.liveness)) + ", breaker " +
            std::string(to_string(region.breaker)) + ": " + region.reason);
    }
    std::vector<std::string> lines() const {
        const std::lock_guard lock(mutex_);
        return {lines_.begin(), lines_.end()};
    }

  private:
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    mutable std::mutex mutex_;
    std::deque<std::string> lines_;
};

/// At most so many columns of text in UTF-8.
std::string cut(std::string line, int width) {
    int columns = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if ((static_cast<unsigned char>(line[i]) & 0xc0U) != 0x80 && columns++ == width) line.resize(i);
    }
    return line;
}

void draw(const Client& client, const News& news) {
    const auto stats = client.stats();
    const int width = std::max(72, Terminal::width());
    std::ostringstream page;
    const bool plain = std::getenv("NO_COLOR") != nullptr && *std::getenv("NO_COLOR") != '\0';
    using Colour = holysheep::DashboardOptions::Colour;
    print_dashboard(stats, page, {.colour = plain ? Colour::never : Colour::always, .width = width, .history = true});
    page << '\n';
    for (const auto& line : news.lines()) page << cut(line, width) << '\n';
    std::string keys;
    for (std::size_t i = 0; i < stats.regions.size() && i < 9; ++i) {
        const bool draining = stats.regions[i].health.liveness == holysheep::Liveness::draining;
        keys += std::to_string(i + 1) + (draining ? " resume " : " drain ") + stats.regions[i].id + "   ";
    }
    page << '\n' << cut(keys + "q quit", width) << '\n';
    Terminal::draw(page.str());
}

void on_key(Client& client, char key) {
    const auto stats = client.stats();
    if (key < '1' || key >= '1' + static_cast<int>(std::min<std::size_t>(9, stats.regions.size()))) return;
    const auto& health = stats.regions[static_cast<std::size_t>(key - '1')].health;
    if (health.liveness == holysheep::Liveness::draining) {
        client.resume(health.id);
    } else {
        client.drain(health.id);
    }
}

// A question every so often: often where it costs nothing.
std::chrono::milliseconds between_questions(const Demo* demo) { return demo != nullptr ? 50ms : 1000ms; }

void watch(Client& client, Demo* demo, News& news) {
    const Terminal terminal;
    const auto start = std::chrono::steady_clock::now();
    auto draw_at = start;
    for (int number = 0; !Terminal::asked_to_end(); ++number) {
        const auto now = std::chrono::steady_clock::now();
        if (demo != nullptr) {
            if (const auto line = demo->play(now - start); !line.empty()) news.add(">> " + line);
        }
        ask(client, number);
        const auto next_question = now + between_questions(demo);
        for (auto at = now; at < next_question && !Terminal::asked_to_end(); at = std::chrono::steady_clock::now()) {
            if (at >= draw_at) {
                draw(client, news);
                draw_at = at + 500ms;
            }
            const auto pause = std::chrono::ceil<std::chrono::milliseconds>(std::min(next_question, draw_at) - at);
            const auto key = Terminal::key(pause);
            if (key == 'q') return;
            if (key) on_key(client, *key), draw_at = at;
        }
    }
}

/// Some questions, so that there is something to see; then the snapshot.
void print_once(Client& client, Demo* demo, std::string_view form) {
    for (int i = 0; i < (demo != nullptr ? 12 : 3); ++i) {
        if (demo != nullptr && i == 6) std::cerr << demo->play(2s) << '\n';  // the first incident
        const auto reply = client.chat("gpt-4.1", "Say baa.");
        if (!reply) std::cerr << reply.error() << '\n';
    }
    if (form == "--json") {
        std::cout << client.stats().to_json() << '\n';
    } else if (form == "--prometheus") {
        std::cout << client.stats().to_prometheus();
    } else {
        print_dashboard(client.stats(), std::cout, {.history = true});
    }
}

volatile std::sig_atomic_t asked_to_end = 0;

/// In the browser, until Ctrl-C.
int serve(Client& client, Demo* demo, std::uint16_t port) {
    const auto server = holysheep::DashboardServer::create([&client] { return client.stats(); }, {.port = port});
    if (!server) {
        std::cerr << server.error() << '\n';
        return 1;
    }
    for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { asked_to_end = 1; });
    std::cout << "the page is at " << server->url() << ", Ctrl-C ends it" << std::endl;
    const auto start = std::chrono::steady_clock::now();
    for (int number = 0; asked_to_end == 0; ++number) {
        if (demo != nullptr) {
            if (const auto line = demo->play(std::chrono::steady_clock::now() - start); !line.empty()) {
                std::cout << line << std::endl;
            }
        }
        ask(client, number);
        std::this_thread::sleep_for(between_questions(demo));
    }
    return 0;
}

int print_usage() {
    std::cerr << "usage: dashboard [--demo] [--once | --json | --prometheus | --serve [port]]\n";
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    bool wants_demo = false;
    std::string_view form;
    std::uint16_t port = 0;
    for (const std::string_view argument : std::vector<std::string_view>(argv + 1, argv + argc)) {
        if (argument == "--demo") {
            wants_demo = true;
        } else if (argument == "--once" || argument == "--json" || argument == "--prometheus" ||
                   argument == "--serve") {
            form = argument;
        } else {
            const auto* const end = argument.data() + argument.size();
            const auto read = std::from_chars(argument.data(), end, port);
            if (form != "--serve" || read.ec != std::errc() || read.ptr != end) return print_usage();
        }
    }
    auto options = holysheep::ClientOptions::from_environment();
    std::optional<Demo> demo;
    if (wants_demo || (options.regions.empty() && options.api_key.empty())) {
        demo.emplace();
        options = demo->options();
    }
    const auto news = std::make_shared<News>();
    options.listeners.push_back(news);
    options.log.level = holysheep::LogLevel::off;  // the page has the terminal to itself
    Client client(std::move(options));
    client.probe();
    auto* simulated = demo ? &*demo : nullptr;
    if (form == "--serve") return serve(client, simulated, port);
    if (form.empty() && Terminal::is_here()) {
        watch(client, simulated, *news);
    } else {
        print_once(client, simulated, form);
    }
}
