// Runs nginx as a child process of the test, in front of the simulator: TLS, HTTP/2 and error pages as in production.
// Client → [NginxFront] → GatewaySimulator
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <holysheep/region.hpp>

#include "scratch_folder.hpp"

namespace holysheep::loopback {

/// The test's own certificate authority. Its files in the folder are ca.crt, <name>.crt and <name>.key.
class Certificates {
  public:
    explicit Certificates(const ScratchFolder& folder, std::string authority = "ca");
    /// `names` as in "DNS:localhost,IP:127.0.0.1".
    void issue(const std::string& name, const std::string& names, int days = 2) const;
    std::string path(const std::string& file) const { return folder_.path(file); }

  private:
    void run(const std::string& command) const;
    const ScratchFolder& folder_;
    std::string authority_;
};

class NginxFront {
  public:
    /// Returns the contents of `http { … }`; called when the ports are known.
    using Servers = std::function<std::string(const NginxFront&)>;
    /// Throws std::runtime_error with nginx's message if it does not start.
    NginxFront(const ScratchFolder& folder, const std::vector<std::string>& servers, const Servers& text,
               std::string host = "127.0.0.1");
    ~NginxFront();
    NginxFront(const NginxFront&) = delete;
    NginxFront& operator=(const NginxFront&) = delete;

    /// "<host>:<port>"
    std::string address(const std::string& server) const;
    Region region(const std::string& server, const std::string& scheme = "https") const;
    /// Stops the process where it is; the kernel keeps acknowledging.
    void freeze() const;
    void thaw() const;
    /// The contents of its error log.
    std::string errors() const { return folder_.read("error.log"); }

  private:
    bool start(const std::string& text, std::string& error);
    void stop();

    const ScratchFolder& folder_;
    std::string host_;
    std::map<std::string, std::uint16_t> ports_;
    pid_t process_ = -1;
    int error_pipe_ = -1;  // the pipe with nginx's messages while it starts
};

}  // namespace holysheep::loopback
