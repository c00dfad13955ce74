// The ports are free when they are chosen, but not reserved: if another program takes one first, new ports are tried.
#include "nginx_front.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace holysheep::loopback {

namespace {

std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket, reinterpret_cast<const sockaddr*>(&address), size);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(socket);
    return ntohs(address.sin_port);
}

}  // namespace

Certificates::Certificates(const ScratchFolder& folder, std::string authority)
    : folder_(folder), authority_(std::move(authority)) {
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" + authority_ +
        " -keyout " + authority_ + ".key -out " + authority_ + ".crt");
}

void Certificates::issue(const std::string& name, const std::string& names, int days) const {
    folder_.write(name + ".ext", "subjectAltName=" + names + "\nbasicConstraints=CA:FALSE\n");
    run("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name + " -keyout " + name +
        ".key -out " + name + ".csr && openssl x509 -req -in " + name + ".csr -CA " + authority_ + ".crt -CAkey " +
        authority_ + ".key -CAcreateserial -days " + std::to_string(days) + " -extfile " + name + ".ext -out " + name +
        ".crt");
}

void Certificates::run(const std::string& command) const {
    if (!folder_.run(command)) throw std::runtime_error("openssl: " + folder_.read("log"));
}

NginxFront::NginxFront(const ScratchFolder& folder, const std::vector<std::string>& servers, const Servers& text,
                       std::string host)
    : folder_(folder), host_(std::move(host)) {
    std::string error;
    for (int attempt = 0; attempt < 5; ++attempt) {
        for (const auto& server : servers) ports_[server] = free_port();
        if (start(text(*this), error)) return;
        stop();
        if (error.find("Address already in use") == std::string::npos) break;
    }
    throw std::runtime_error("nginx does not start: " + error);
}

NginxFront::~NginxFront() { stop(); }

std::string NginxFront::address(const std::string& server) const {
    return host_ + ":" + std::to_string(ports_.at(server));
}

void NginxFront::freeze() const { ::kill(process_, SIGSTOP); }
void NginxFront::thaw() const { ::kill(process_, SIGCONT); }

Region NginxFront::region(const std::string& server, const std::string& scheme) const {
    return {.id = server, .base_url = scheme + "://" + address(server) + "/v1"};
}

bool NginxFront::start(const std::string& text, std::string& error) {
    std::string paths;
    for (const auto* name : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
        paths += std::string(name) + "_temp_path " + folder_.path(name) + ";\n";
    }
    folder_.write("nginx.conf", "daemon off; master_process off; pid " + folder_.path("nginx.pid") +
                                    ";\nerror_log stderr notice;\nevents { worker_connections 2048; }\nhttp {\n" +
                                    paths + "error_log " + folder_.path("error.log") + " error; access_log " +
                                    folder_.path("access.log") + ";\n" + text + "}\n");
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    const std::string prefix = folder_.path(""), configuration = folder_.path("nginx.conf");
    const char* program = ::access("/usr/sbin/nginx", X_OK) == 0 ? "/usr/sbin/nginx" : "nginx";
    process_ = ::fork();
    if (process_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // so that a test that crashes leaves no process behind
        ::dup2(ends[1], STDERR_FILENO);
        ::execlp(program, program, "-p", prefix.c_str(), "-c", configuration.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    ::close(ends[1]);
    error_pipe_ = ends[0];
    // nginx logs its event method once its ports are open; if it ends, the pipe closes.
    error.clear();
    std::array<char, 4096> bytes{};
    for (;;) {
        const auto count = ::read(error_pipe_, bytes.data(), bytes.size());
        if (count <= 0) return false;
        error.append(bytes.data(), static_cast<std::size_t>(count));
        if (error.find("event method") != std::string::npos) return true;
    }
}

void NginxFront::stop() {
    if (process_ > 0) {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    if (error_pipe_ >= 0) ::close(error_pipe_);
    process_ = error_pipe_ = -1;
}

}  // namespace holysheep::loopback
