// Runs real proxies as child processes of the test: tinyproxy, squid, microsocks, danted and stunnel.
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
    /// Returns the command to run, once the port is known.
    using Command = std::function<std::vector<std::string>(std::uint16_t port)>;
    /// Returns once the port accepts connections. Throws std::runtime_error with the program's output if it never does.
    RealProxy(const ScratchFolder& folder, const std::string& name, const Command& command);
    ~RealProxy();
    RealProxy(const RealProxy&) = delete;
    RealProxy& operator=(const RealProxy&) = delete;

    std::uint16_t port() const { return port_; }
    /// "127.0.0.1:<port>"
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// The program's output so far.
    std::string log() const;

  private:
    const ScratchFolder& folder_;
    std::string log_;
    std::uint16_t port_;
    pid_t process_ = 0;
};

/// `lines` are added to its configuration. It asks for no credentials and otherwise allows everything.
RealProxy::Command tinyproxy(const ScratchFolder& folder, const std::string& lines = "");
/// `lines` come before the one that allows everything.
RealProxy::Command squid(const ScratchFolder& folder, const std::string& lines = "");
RealProxy::Command microsocks(const std::string& user = "", const std::string& password = "");
/// SOCKS4 and 5 without credentials.
RealProxy::Command danted(const ScratchFolder& folder);
/// TLS in front of another port.
RealProxy::Command stunnel(const ScratchFolder& folder, const std::string& certificate, std::uint16_t inner);

}  // namespace holysheep::loopback
