// One gateway site: a proxy process and its backend processes, which can be killed, frozen and restarted.
// Client → [Site: nginx or haproxy → backend processes]
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include <holysheep/region.hpp>

#include "fault_plan.hpp"
#include "proxy_text.hpp"

namespace holysheep::soak {

enum class ProxyKind {
    nginx,      ///< keeps connections to its backends, over HTTP/1.1
    nginx_1_0,  ///< nginx's default: HTTP/1.0 to its backends, a connection for each request
    haproxy
};

struct SiteOptions {
    std::string name{};
    ProxyKind proxy = ProxyKind::nginx;
    int backends = 1;
    std::vector<std::string> regions{};  ///< each gets a port of the proxy; empty: one region with the site's name
};

/// An unused loopback port below the ephemeral range, so that no connection takes the port of a dead proxy. Never
/// returns the same port twice.
std::uint16_t free_port();

/// Use from the creating thread only: the processes receive SIGKILL when that thread exits.
class Site {
  public:
    /// Throws std::runtime_error with the program's output if a process does not start.
    Site(const std::string& folder, SiteOptions options);
    ~Site();
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    const std::string& name() const { return options_.name; }
    int backends() const { return options_.backends; }
    std::vector<Region> regions() const;

    void inject(Target target, FaultKind kind);
    /// Whether the proxy accepts connections.
    bool is_open() const;
    /// Undoes `inject`: starts killed processes, resumes frozen ones.
    void recover(Target target, FaultKind kind);

  private:
    struct Process {
        std::vector<std::string> command{};
        std::string log{};
        std::uint16_t port = 0;
        pid_t pid = 0;
    };
    void start(Process& process) const;
    void wait_until_listening(const Process& process) const;
    std::vector<Process*> targets(Target target);

    SiteOptions options_;
    std::string folder_;
    std::vector<std::uint16_t> ports_;
    Process proxy_;
    std::vector<Process> backends_;
};

}  // namespace holysheep::soak
