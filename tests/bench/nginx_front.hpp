// nginx with TLS in front of the fixed server, with two ports: one recycles its connections, the other never keeps any.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

namespace holysheep::bench {

class NginxFront {
  public:
    /// Returns nullptr, with the reason on stderr, if nginx or openssl is missing.
    static std::unique_ptr<NginxFront> start(int upstream_port, int recorded_upstream_port);
    ~NginxFront();
    NginxFront(const NginxFront&) = delete;
    NginxFront& operator=(const NginxFront&) = delete;

    /// Speaks HTTP/1.1 and HTTP/2, and ends each connection after 100 requests.
    std::string recycling_url() const { return "https://127.0.0.1:" + std::to_string(recycling_port_) + "/v1"; }
    /// Closes the connection after each answer; TLS sessions are not resumed.
    std::string closing_url() const { return "https://127.0.0.1:" + std::to_string(closing_port_) + "/v1"; }
    /// The system's bundle, with the certificate that signed this server's appended.
    const std::string& ca_file() const { return ca_file_; }

  private:
    NginxFront() = default;
    bool make_certificates();
    bool launch(int upstream_port, int recorded_upstream_port);
    std::string path(const std::string& name) const { return folder_ + "/" + name; }

    std::string folder_, ca_file_;
    int recycling_port_ = 0, closing_port_ = 0;
    pid_t process_ = 0;
};

}  // namespace holysheep::bench
