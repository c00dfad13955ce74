// Each program is a single child process: nginx runs without a master, haproxy in the foreground. A signal then reaches
// all of it, and none outlives this program.
#include "site.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "../bench/child_process.hpp"

namespace holysheep::soak {

namespace {

constexpr std::uint16_t kFirstPort = 12'000, kPorts = 18'000;
constexpr int kStartTimeoutMs = 10'000;
// After this time a process that ignores SIGTERM is killed.
constexpr int kStopTimeoutMs = 3'000;

int tcp_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

template <class Call>
bool with_address(Call call, int socket, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return call(socket, reinterpret_cast<const sockaddr*>(&address), socklen_t{sizeof address}) == 0;
}

bool is_listening(std::uint16_t port) {
    const int socket = tcp_socket();
    const bool connected = with_address(&::connect, socket, port);
    ::close(socket);
    return connected;
}

void wait_ms(int time) { ::poll(nullptr, 0, time); }

std::string system_program(const std::string& name) {
    const auto path = "/usr/sbin/" + name;  // /usr/sbin may be missing in PATH
    return ::access(path.c_str(), X_OK) == 0 ? path : name;
}

std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace

std::uint16_t free_port() {
    // Concurrent runs start at different ports.
    static auto next = static_cast<std::uint32_t>(::getpid()) * 61U;
    for (;;) {
        const auto port = static_cast<std::uint16_t>(kFirstPort + next++ % kPorts);
        const int socket = tcp_socket();
        const bool free = with_address(&::bind, socket, port);
        ::close(socket);
        if (free) return port;
    }
}

Site::Site(const std::string& folder, SiteOptions options)
    : options_(std::move(options)), folder_(folder + "/" + options_.name) {
    if (options_.regions.empty()) options_.regions = {options_.name};
    std::filesystem::create_directory(folder_);
    std::vector<PoolPorts> pools;
    for (int i = 0; i < options_.backends; ++i) {
        const PoolPorts ports{.quick = free_port(), .thinking = free_port()};
        pools.push_back(ports);
        backends_.push_back({.command = {"/proc/self/exe", "backend", options_.name, std::to_string(ports.quick),
                                         std::to_string(ports.thinking)},
                             .log = folder_ + "/backend.log",
                             .port = ports.thinking});
    }
    for (std::size_t i = 0; i < options_.regions.size(); ++i) ports_.push_back(free_port());
    proxy_.log = folder_ + "/proxy.log";
    proxy_.port = ports_.front();
    const auto configuration = folder_ + "/proxy.conf";
    if (options_.proxy == ProxyKind::haproxy) {
        std::ofstream(configuration) << haproxy_text(ports_, pools);
        proxy_.command = {system_program("haproxy"), "-db", "-f", configuration};
    } else {
        std::ofstream(configuration) << nginx_text(folder_, ports_, pools, options_.proxy == ProxyKind::nginx_1_0);
        proxy_.command = {system_program("nginx"), "-p", folder_, "-c", configuration, "-e", folder_ + "/error.log"};
    }
    try {
        for (auto& backend : backends_) start(backend);
        for (const auto& backend : backends_) wait_until_listening(backend);
        start(proxy_);
        wait_until_listening(proxy_);
    } catch (...) {
        for (const auto& backend : backends_) bench::end_process(backend.pid);
        bench::end_process(proxy_.pid);
        throw;
    }
}

Site::~Site() {
    bench::end_process(proxy_.pid);
    for (const auto& backend : backends_) bench::end_process(backend.pid);
}

std::vector<Region> Site::regions() const {
    std::vector<Region> regions;
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        regions.push_back(
            {.id = options_.regions[i], .base_url = "http://127.0.0.1:" + std::to_string(ports_[i]) + "/v1"});
    }
    return regions;
}

bool Site::is_open() const { return is_listening(proxy_.port); }

void Site::start(Process& process) const { process.pid = bench::start_program(process.command, process.log); }

void Site::wait_until_listening(const Process& process) const {
    for (int waited = 0; waited < kStartTimeoutMs && bench::is_running(process.pid); waited += 10) {
        if (is_listening(process.port)) return;
        wait_ms(10);
    }
    throw std::runtime_error(process.command.front() + " does not start: " + contents(process.log) +
                             contents(folder_ + "/error.log"));
}

std::vector<Site::Process*> Site::targets(Target target) {
    if (target == Target::proxy) return {&proxy_};
    std::vector<Process*> processes;
    for (auto& backend : backends_) processes.push_back(&backend);
    if (target == Target::one_backend) processes.resize(1);
    return processes;
}

void Site::inject(Target target, FaultKind kind) {
    for (auto* process : targets(target)) {
        switch (kind) {
            case FaultKind::kill: bench::end_process(std::exchange(process->pid, 0)); break;
            case FaultKind::freeze: ::kill(process->pid, SIGSTOP); break;
            case FaultKind::restart:
                ::kill(process->pid, SIGTERM);
                for (int waited = 0; waited < kStopTimeoutMs && bench::is_running(process->pid); waited += 5)
                    wait_ms(5);
                bench::end_process(process->pid);
                start(*process);
                break;
        }
    }
}

void Site::recover(Target target, FaultKind kind) {
    for (auto* process : targets(target)) {
        if (kind == FaultKind::kill) start(*process);
        if (kind == FaultKind::freeze) ::kill(process->pid, SIGCONT);
    }
}

}  // namespace holysheep::soak
