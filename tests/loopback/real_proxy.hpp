// Proxies as they are installed: tinyproxy, squid, microsocks, danted and stunnel as child processes of the test.
// Client → [RealProxy] → NginxFront or GatewaySimulator
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "scratch_folder.hpp"

namespace holysheep::loopback {

class RealProxy {
  public:
    /// What to run, with the port known.
    using Command = std::function<std::vector<std::string>(std::uint16_t port)>;
    /// Returns once the port takes connections. Throws std::runtime_error, with the program's own words, if it never
    /// does.
    RealProxy(const ScratchFolder& folder, const std::string& name, const Command& command);
    ~RealProxy();
    RealProxy(const RealProxy&) = delete;
    RealProxy& operator=(const RealProxy&) = delete;

    std::uint16_t port() const { return port_; }
    /// "127.0.0.1:<port>"
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// What the program wrote so far.
    std::string log() const;

  private:
    const ScratchFolder& folder_;
    std::string log_;
    std::uint16_t port_;
    pid_t process_ = 0;
};

/// `lines` go into its configuration; it asks for no credentials and lets everything pass otherwise.
RealProxy::Command tinyproxy(const ScratchFolder& folder, const std::string& lines = "");
/// `lines` come before the one that lets everything pass.
RealProxy::Command squid(const ScratchFolder& folder, const std::string& lines = "");
RealProxy::Command microsocks(const std::string& user = "", const std::string& password = "");
/// SOCKS4 and 5 without credentials.
RealProxy::Command danted(const ScratchFolder& folder);
/// TLS in front of another port.
RealProxy::Command stunnel(const ScratchFolder& folder, const std::string& certificate, std::uint16_t inner);

}  // namespace holysheep::loopback
