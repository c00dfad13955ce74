// Runs the simulated gateway as a program: several regions on loopback ports, with faults from the command line and, at
// run time, from standard input. Try it with curl, or point any OpenAI-compatible client at it.
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <exception>
#include <holysheep/testing/gateway_simulator.hpp>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using holysheep::testing::Fault;
using holysheep::testing::GatewaySimulator;
using holysheep::testing::SimulatedRegion;
using holysheep::testing::SimulatorOptions;
using std::chrono::milliseconds;

constexpr std::string_view kHelp = R"(usage: gateway_simulator [options]

  --region ID[:PORT[:LATENCY]]  a region, e.g. us-west:8081:20ms; repeat it; port 0 or none: any free port
                                (default: us-west, eu-central and ap-east on free ports)
  --fault ID:FAULT              a fault of the region, e.g. us-west:status=503 or eu-central:cut,after_chunks=5
  --chunks N                    pieces per answer (default 8)
  --between DURATION            time between the pieces of a stream, e.g. 50ms (default 0ms)
  --api-key KEY                 refuse other keys with 401 (default: accept any)
  --seed N                      for faults with a share (default 1)
  --help                        this text

FAULT is KIND[=STATUS][,NAME=VALUE...] with the names status, share (0..1), times, period (ms), after_chunks, path, body;
any other name is a response header, e.g. status=429,retry-after=2,share=0.5

  none                  answers normally             refuse              the port is closed, connections are reset
  reset_before_headers  resets instead of answering  reset_after_headers resets after the head
  reset_mid_stream      resets half-way              cut                 closes half-way, without an error
  hang                  never answers                hang_after_headers  sends the head and nothing more
  stall_mid_stream      silent half-way              slow_drip           sends byte by byte
  status                an HTTP error                quota               429 insufficient_quota
  error_in_200          an error inside a 200        error_in_stream     an error event half-way
  no_done_marker        a stream without [DONE]      empty_body          200 and nothing
  html                  a proxy's error page         wrong_content_type  text/plain
  garbage               not HTTP                     flap                refuses and answers in turn
  endless_headers       headers without end          huge_header_line    one header of 256 KiB
  endless_body          a body without end           close_after_response  closes a keep-alive connection

Commands on standard input while it runs:
  fault ID FAULT | revive ID | latency ID DURATION | between ID DURATION | chunks ID N | reset ID | stats | help | quit
)";

struct Settings {
    std::vector<SimulatedRegion> regions{};
    std::vector<std::pair<std::string, Fault>> faults{};
    SimulatorOptions options{};
    int chunks = 8;
    milliseconds between{0};
    bool help = false;
};

template <class Number = int>
Number number_from(std::string_view text) {
    Number number{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{} || end != text.data() + text.size())
        throw std::invalid_argument("'" + std::string(text) + "' is not a number that fits here");
    return number;
}

milliseconds duration_from(std::string_view text) {
    milliseconds unit{1};
    if (text.ends_with("ms"))
        text.remove_suffix(2);
    else if (text.ends_with("s")) {
        text.remove_suffix(1);
        unit = std::chrono::seconds(1);
    }
    return number_from<unsigned>(text) * unit;
}

std::pair<std::string, std::string> split(const std::string& text, char separator) {
    const auto at = text.find(separator);
    if (at == std::string::npos) return {text, ""};
    return {text.substr(0, at), text.substr(at + 1)};
}

SimulatedRegion region_from(const std::string& text) {
    SimulatedRegion region;
    const auto [id, rest] = split(text, ':');
    const auto [port, latency] = split(rest, ':');
    region.id = id;
    if (!port.empty()) region.port = number_from<std::uint16_t>(port);
    if (!latency.empty()) region.latency = duration_from(latency);
    return region;
}

Fault fault_from(const std::string& text) {
    auto fault = holysheep::testing::fault_from_text(text);
    if (!fault) throw std::invalid_argument("'" + text + "' is not a fault; --help lists them");
    return *std::move(fault);
}

Settings settings_from(const std::vector<std::string>& arguments) {
    Settings settings;
    for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
        const std::string& name = *argument;
        if (name == "--help" || name == "-h") {
            settings.help = true;
            continue;
        }
        if (argument + 1 == arguments.end()) throw std::invalid_argument(name + " is unknown or lacks its value");
        const std::string& value = *++argument;
        if (name == "--region") {
            settings.regions.push_back(region_from(value));
        } else if (name == "--fault") {
            const auto [id, fault] = split(value, ':');
            settings.faults.emplace_back(id, fault_from(fault));
        } else if (name == "--chunks") {
            settings.chunks = number_from(value);
        } else if (name == "--between") {
            settings.between = duration_from(value);
        } else if (name == "--api-key") {
            settings.options.api_key = value;
        } else if (name == "--seed") {
            settings.options.seed = number_from<std::uint64_t>(value);
        } else {
            throw std::invalid_argument(name + " is unknown; --help lists the options");
        }
    }
    if (settings.regions.empty()) settings.regions = {{.id = "us-west"}, {.id = "eu-central"}, {.id = "ap-east"}};
    for (auto& region : settings.regions) {
        region.chunks = settings.chunks;
        region.between_chunks = settings.between;
    }
    settings.options.record = false;
    return settings;
}

void print_regions(const GatewaySimulator& gateway) {
    std::string list;
    for (const auto& region : gateway.regions()) {
        std::cout << region.id << "  " << region.base_url << '\n';
        list += (list.empty() ? "" : ",") + region.id + "=" + region.base_url;
    }
    std::cout << "HOLYSHEEP_REGIONS=" << list << std::endl;
}

void print_stats(const GatewaySimulator& gateway) {
    for (const auto& region : gateway.regions())
        std::cout << region.id << "  requests " << gateway.requests(region.id) << "  early closes "
                  << gateway.early_closes(region.id) << "  connections " << gateway.connections(region.id) << " ("
                  << gateway.open_connections(region.id) << " open)\n";
    std::cout << std::flush;
}

/// Returns false if the user wants to quit.
bool execute(const std::string& line, GatewaySimulator& gateway,
             std::map<std::string, std::pair<int, milliseconds>>& pace) {
    std::istringstream words(line);
    std::string command, id, value;
    words >> command >> id >> value;
    if (command.empty()) return true;
    if (command == "quit" || command == "exit") return false;
    if (command == "help")
        std::cout << kHelp << std::flush;
    else if (command == "stats")
        print_stats(gateway);
    else if (command == "fault")
        gateway.set_fault(id, fault_from(value));
    else if (command == "revive")
        gateway.revive(id);
    else if (command == "latency")
        gateway.set_latency(id, duration_from(value));
    else if (command == "reset")
        gateway.reset_connections(id);
    else if (command == "chunks" || command == "between") {
        auto& [chunks, between] = pace[id];
        if (command == "chunks")
            chunks = number_from(value);
        else
            between = duration_from(value);
        gateway.set_stream(id, chunks, between);
    } else
        throw std::invalid_argument("unknown command '" + command + "'; try help");
    return true;
}

volatile std::sig_atomic_t stop_pipe = -1;

void on_signal(int) {
    const char one = 1;
    [[maybe_unused]] const auto written = ::write(stop_pipe, &one, 1);
}

/// Executes commands until `quit` or a signal. The end of standard input does not end the program.
void run(GatewaySimulator& gateway, const Settings& settings) {
    std::array<int, 2> stop{};
    if (::pipe(stop.data()) != 0) throw std::runtime_error("no pipe");
    stop_pipe = stop[1];
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    std::map<std::string, std::pair<int, milliseconds>> pace;
    for (const auto& region : settings.regions) pace[region.id] = {region.chunks, region.between_chunks};

    std::array<pollfd, 2> polled{pollfd{stop[0], POLLIN, 0}, pollfd{STDIN_FILENO, POLLIN, 0}};
    std::string pending;
    while (::poll(polled.data(), polled.size(), -1) >= 0 || errno == EINTR) {
        if (polled[0].revents != 0) return;
        if (polled[1].revents == 0) continue;
        std::array<char, 1024> bytes{};
        const auto count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (count <= 0) {
            polled[1].fd = -1;
            continue;
        }
        pending.append(bytes.data(), static_cast<std::size_t>(count));
        for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
            const std::string line = pending.substr(0, end);
            pending.erase(0, end + 1);
            try {
                if (!execute(line, gateway, pace)) return;
            } catch (const std::exception& problem) {
                std::cerr << problem.what() << std::endl;
            }
        }
    }
}

void allow_many_connections() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Settings settings = settings_from({argv + 1, argv + argc});
        if (settings.help) {
            std::cout << kHelp;
            return 0;
        }
        allow_many_connections();
        GatewaySimulator gateway(settings.regions, settings.options);
        for (const auto& [id, fault] : settings.faults) gateway.set_fault(id, fault);
        print_regions(gateway);
        run(gateway, settings);
        return 0;
    } catch (const std::exception& problem) {
        std::cerr << "gateway_simulator: " << problem.what() << '\n';
        return 2;
    }
}
