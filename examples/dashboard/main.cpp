// Shows a live page in the terminal: which region answers, how fast, what failed over, what it costs.
//   dashboard [--demo] [--once | --json | --prometheus | --serve [port]]
// HOLYSHEEP_REGIONS chooses the regions; with --demo, or without configuration, three simulated regions break by
// themselves. On a terminal the page is redrawn twice a second: a number key drains a region or resumes it, q quits.
// With --once, or without a terminal, it prints the page as plain text after some calls; --json and --prometheus print
// the snapshot; --serve shows the page in the browser, on a port of loopback. A real gateway is asked one small
// question a second, which is billed.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstddef>
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

/// The latest events with their times. The client's callback thread adds them; the page reads them.
class EventLog final : public holysheep::EventListener {
  public:
    void add(const std::string& line) {
        const std::lock_guard lock(mutex_);
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_);
        lines_.push_back(std::to_string(age.count()) + "s  " + Terminal::printable(line));
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

std::vector<std::string> table(const holysheep::Stats& stats, const holysheep::DashboardOptions& options) {
    std::stringstream text;
    print_dashboard(stats, text, options);
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

std::string keys(const holysheep::Stats& stats) {
    std::string line;
    for (std::size_t i = 0; i < stats.regions.size() && i < 9; ++i) {
        const bool draining = stats.regions[i].health.liveness == holysheep::Liveness::draining;
        line += std::to_string(i + 1) + (draining ? " resume " : " drain ") + stats.regions[i].id + "   ";
    }
    return Terminal::printable(line + "q quit");
}

/// The table, the latest events, and the available keys. In a low window the events are dropped first, then the times
/// of the last attempts, the models, and the reasons for the regions' states; the head and the regions stay.
std::vector<std::string> page(holysheep::Stats stats, const std::vector<std::string>& events, Terminal::Size window) {
    const char* const no_colour = std::getenv("NO_COLOR");
    const bool plain = no_colour != nullptr && *no_colour != '\0';
    using Colour = holysheep::DashboardOptions::Colour;
    holysheep::DashboardOptions options{
        .colour = plain ? Colour::never : Colour::always, .width = static_cast<int>(window.columns), .history = true};
    const auto rows = std::max<std::size_t>(1, window.rows - 1);  // the last row shows the keys
    auto lines = table(stats, options);
    if (lines.size() > rows) {
        options.history = false;
        lines = table(stats, options);
    }
    if (lines.size() > rows) {
        stats.models.resize(stats.models.size() - std::min(stats.models.size(), lines.size() - rows));
        lines = table(stats, options);
    }
    if (lines.size() > rows) {
        for (auto& region : stats.regions) region.health.reason.clear();
        lines = table(stats, options);
    }
    lines.resize(std::min(lines.size(), rows));

    const auto room = rows - lines.size();
    if (room > 2) {
        const auto shown = std::min(events.size(), room - 2);
        lines.emplace_back();
        lines.insert(lines.end(), events.end() - static_cast<std::ptrdiff_t>(shown), events.end());
    }
    if (room > 0) lines.emplace_back();
    lines.push_back(keys(stats));
    return lines;
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

// The time between questions: short in the demo, where questions cost nothing.
std::chrono::milliseconds between_questions(const Demo* demo) { return demo != nullptr ? 50ms : 1000ms; }

void run_terminal(Client& client, Demo* demo, EventLog& events) {
    const Terminal terminal;
    const auto start = std::chrono::steady_clock::now();
    auto draw_at = start;
    for (int number = 0; !Terminal::stop_requested(); ++number) {
        const auto now = std::chrono::steady_clock::now();
        if (demo != nullptr) {
            if (const auto line = demo->play(now - start); !line.empty()) events.add(">> " + line);
        }
        ask(client, number);
        const auto next_question = now + between_questions(demo);
        for (auto at = now; at < next_question && !Terminal::stop_requested(); at = std::chrono::steady_clock::now()) {
            if (at >= draw_at || Terminal::needs_redraw()) {
                Terminal::draw(page(client.stats(), events.lines(), Terminal::size()));
                draw_at = at + 500ms;
            }
            const auto pause = std::chrono::ceil<std::chrono::milliseconds>(std::min(next_question, draw_at) - at);
            const auto key = Terminal::key(pause);
            if (key == 'q') return;
            if (key) on_key(client, *key), draw_at = at;
        }
    }
}

/// Asks some questions, so that there is something to see, then prints the snapshot. Halfway through, the demo breaks
/// the region that answers, so that a failover is visible.
void print_once(Client& client, Demo* demo, std::string_view form) {
    std::string answered_by;
    const auto no_failover = [&] { return demo != nullptr && client.stats().failovers == 0; };
    for (int i = 0; i < (demo != nullptr ? 12 : 3) || (i < 60 && no_failover()); ++i) {
        // Break it again if the next question went to another region anyway.
        if (i >= 6 && no_failover()) std::cerr << demo->break_only(answered_by) << '\n';
        const auto reply = client.chat("gpt-4.1", "Say baa.");
        if (reply) {
            answered_by = reply->region;
        } else {
            std::cerr << reply.error() << '\n';
        }
    }
    if (form == "--json") {
        std::cout << client.stats().to_json() << '\n';
    } else if (form == "--prometheus") {
        std::cout << client.stats().to_prometheus();
    } else {
        print_dashboard(client.stats(), std::cout, {.history = true});
    }
}

volatile std::sig_atomic_t stop_requested = 0;

/// Serves the page for the browser until Ctrl-C.
int serve(Client& client, Demo* demo, std::uint16_t port) {
    const auto server = holysheep::DashboardServer::create([&client] { return client.stats(); }, {.port = port});
    if (!server) {
        std::cerr << server.error() << '\n';
        return 1;
    }
    for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { stop_requested = 1; });
    std::cout << "the page is at " << server->url() << ", Ctrl-C ends it" << std::endl;
    const auto start = std::chrono::steady_clock::now();
    for (int number = 0; stop_requested == 0; ++number) {
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

constexpr std::string_view kUsage =
    "usage: dashboard [--demo] [--once | --json | --prometheus | --serve [port]]\n"
    "\n"
    "  --demo           three simulated regions that break by themselves; also if nothing is configured\n"
    "  --once           some questions, then the page as plain text; also without a terminal\n"
    "  --json           some questions, then the snapshot as JSON\n"
    "  --prometheus     some questions, then the snapshot as metrics\n"
    "  --serve [port]   the page in the browser, on loopback\n"
    "\n"
    "HOLYSHEEP_API_KEY, HOLYSHEEP_BASE_URL and HOLYSHEEP_REGIONS select the gateway. A gateway that is\n"
    "not simulated gets a question a second, of gpt-4.1 and deepseek-v3.2, which is billed.\n";

}  // namespace

int main(int argc, char** argv) {
    bool wants_demo = false;
    std::string_view form;
    std::uint16_t port = 0;
    for (const std::string_view argument : std::vector<std::string_view>(argv + 1, argv + argc)) {
        if (argument == "--help" || argument == "-h") {
            std::cout << kUsage;
            return 0;
        }
        if (argument == "--demo") {
            wants_demo = true;
        } else if (argument == "--once" || argument == "--json" || argument == "--prometheus" ||
                   argument == "--serve") {
            form = argument;
        } else {
            const auto* const end = argument.data() + argument.size();
            const auto read = std::from_chars(argument.data(), end, port);
            if (form != "--serve" || read.ec != std::errc() || read.ptr != end) {
                std::cerr << kUsage;
                return 2;
            }
        }
    }
    auto options = holysheep::ClientOptions::from_environment();
    std::optional<Demo> demo;
    if (wants_demo || (options.regions.empty() && options.api_key.empty())) {
        demo.emplace();
        options = demo->options();
    }
    const auto events = std::make_shared<EventLog>();
    options.listeners.push_back(events);
    options.log.level = holysheep::LogLevel::off;  // the page has the terminal to itself
    auto client = Client::create(std::move(options));
    if (!client) {
        std::cerr << client.error() << '\n';
        return 1;
    }
    client->probe();
    auto* simulated = demo ? &*demo : nullptr;
    if (form == "--serve") return serve(*client, simulated, port);
    if (form.empty() && Terminal::is_available()) {
        run_terminal(*client, simulated, *events);
    } else {
        print_once(*client, simulated, form);
    }
}
