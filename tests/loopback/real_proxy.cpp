// Writes the smallest configuration that each program accepts.
#include "real_proxy.hpp"

#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "../bench/child_process.hpp"
#include "plain_server.hpp"

namespace holysheep::loopback {

RealProxy::RealProxy(const ScratchFolder& folder, const std::string& name, const Command& command)
    : folder_(folder), log_(name + ".log"), port_(PlainServer("").port()) {
    process_ = bench::start_program(command(port_), folder.path(log_));
    for (int i = 0; i < 500 && bench::is_running(process_); ++i) {
        const int socket = connect_to(port_);
        if (socket >= 0) {
            ::close(socket);
            return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    bench::end_process(process_);
    throw std::runtime_error(name + " does not start: " + log());
}

RealProxy::~RealProxy() { bench::end_process(process_); }

std::string RealProxy::log() const { return folder_.read(log_); }

RealProxy::Command tinyproxy(const ScratchFolder& folder, const std::string& lines) {
    return [&folder, lines](std::uint16_t port) -> std::vector<std::string> {
        folder.write("tinyproxy.conf", "Port " + std::to_string(port) +
                                           "\nListen 127.0.0.1\nTimeout 60\nMaxClients 100\nLogLevel Connect\n" +
                                           lines);
        return {"tinyproxy", "-d", "-c", folder.path("tinyproxy.conf")};
    };
}

RealProxy::Command squid(const ScratchFolder& folder, const std::string& lines) {
    return [&folder, lines](std::uint16_t port) -> std::vector<std::string> {
        // If started as root, squid switches to another user, who may not write here.
        folder.write("squid.conf", "http_port 127.0.0.1:" + std::to_string(port) +
                                       "\nvisible_hostname localhost\npid_filename none\naccess_log none\n"
                                       "cache_log /dev/null\nnetdb_filename none\npinger_enable off\ncache deny all\n"
                                       "shutdown_lifetime 0 seconds\ncoredump_dir /\n" +
                                       lines + "http_access allow all\n");
        return {"squid", "-N", "-d", "1", "-f", folder.path("squid.conf")};
    };
}

RealProxy::Command microsocks(const std::string& user, const std::string& password) {
    return [user, password](std::uint16_t port) {
        std::vector<std::string> command{"microsocks", "-i", "127.0.0.1", "-p", std::to_string(port)};
        if (!user.empty()) command.insert(command.end(), {"-u", user, "-P", password});
        return command;
    };
}

RealProxy::Command danted(const ScratchFolder& folder) {
    return [&folder](std::uint16_t port) -> std::vector<std::string> {
        folder.write("danted.conf", "logoutput: stderr\ninternal: 127.0.0.1 port = " + std::to_string(port) +
                                        "\nexternal: lo\nclientmethod: none\nsocksmethod: none\n"
                                        "client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n"
                                        "socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n");
        return {"danted", "-N", "1", "-f", folder.path("danted.conf"), "-p", folder.path("danted.pid")};
    };
}

RealProxy::Command stunnel(const ScratchFolder& folder, const std::string& certificate, std::uint16_t inner) {
    return [&folder, certificate, inner](std::uint16_t port) -> std::vector<std::string> {
        folder.write("stunnel.conf", "foreground = yes\npid =\n[proxy]\naccept = 127.0.0.1:" + std::to_string(port) +
                                         "\nconnect = 127.0.0.1:" + std::to_string(inner) +
                                         "\ncert = " + folder.path(certificate + ".crt") +
                                         "\nkey = " + folder.path(certificate + ".key") + "\n");
        return {"stunnel4", folder.path("stunnel.conf")};
    };
}

}  // namespace holysheep::loopback
