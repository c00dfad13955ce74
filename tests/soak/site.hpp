// One proxy with the backend processes behind it: what a gateway is made of in one place, down to the processes that
// die. Client → [Site: nginx or haproxy → backend processes]
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

/// A TCP port of loopback that nobody uses, outside of the range from which the system takes those of connections: the
/// port of a dead proxy must stay dead. None is given twice by one process.
std::uint16_t free_port();

/// Starts and strikes processes on the thread that made it; that thread's end would end them.
class Site {
  public:
    /// Throws std::runtime_error, with the program's own words, when a process does not start.
    Site(const std::string& folder, SiteOptions options);
    ~Site();
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    const std::string& name() const { return options_.name; }
    int backends() const { return options_.backends; }
    std::vector<Region> regions() const;

    void strike(Part part, Blow blow);
    /// Whether the proxy takes connections.
    bool is_open() const;
    /// Undoes `strike`: starts what was killed, lets go on what was frozen.
    void mend(Part part, Blow blow);

  private:
    struct Process {
        std::vector<std::string> command{};
        std::string log{};
        std::uint16_t port = 0;
        pid_t pid = 0;
    };
    void start(Process& process) const;
    void await(const Process& process) const;
    std::vector<Process*> struck(Part part);

    SiteOptions options_;
    std::string folder_;
    std::vector<std::uint16_t> ports_;
    Process proxy_;
    std::vector<Process> backends_;
};

}  // namespace holysheep::soak
