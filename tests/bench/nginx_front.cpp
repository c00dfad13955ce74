// Uses a temporary folder with certificates and a configuration. The ports are reserved while nginx starts, so that no
// other program takes them.
#include "nginx_front.hpp"

#include <curl/curl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <vector>

#include "child_process.hpp"

namespace holysheep::bench {

namespace {

std::string nginx_program() {
    const char* path = "/usr/sbin/nginx";  // not in every user's PATH
    return ::access(path, X_OK) == 0 ? path : "nginx";
}

// Sends requests until nginx answers; returns false if it has ended.
bool answers(pid_t nginx, const std::string& url, const std::string& ca_file) {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(), &curl_easy_cleanup);
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(easy.get(), CURLOPT_CAINFO, ca_file.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_NOBODY, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, 10L);
    while (is_running(nginx)) {
        const auto code = curl_easy_perform(easy.get());
        if (code == CURLE_OK) return true;
        if (code != CURLE_COULDNT_CONNECT) return false;
        ::poll(nullptr, 0, 10);
    }
    return false;
}

}  // namespace

std::unique_ptr<NginxFront> NginxFront::start(int upstream_port, int recorded_upstream_port) {
    std::unique_ptr<NginxFront> front(new NginxFront());
    std::string folder = (std::filesystem::temp_directory_path() / "holysheep-bench-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    front->folder_ = folder;
    if (!front->make_certificates()) {
        std::cerr
            << "bench_overhead: the figures over TLS are left out: openssl or the system's CA bundle is missing\n";
        return nullptr;
    }
    if (!front->launch(upstream_port, recorded_upstream_port)) {
        std::cerr
            << "bench_overhead: the figures over TLS are left out: nginx is missing or refuses its configuration\n";
        return nullptr;
    }
    return front;
}

NginxFront::~NginxFront() {
    end_process(process_);
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

bool NginxFront::make_certificates() {
    const std::vector<std::string> key{"-newkey", "ec",    "-pkeyopt", "ec_paramgen_curve:prime256v1",
                                       "-nodes",  "-days", "2"};
    std::vector<std::string> root{"openssl", "req",          "-x509", "-subj",       "/CN=benchmark root",
                                  "-keyout", path("ca.key"), "-out",  path("ca.crt")};
    root.insert(root.end(), key.begin(), key.end());
    std::vector<std::string> leaf{"openssl",
                                  "req",
                                  "-x509",
                                  "-subj",
                                  "/CN=localhost",
                                  "-CA",
                                  path("ca.crt"),
                                  "-CAkey",
                                  path("ca.key"),
                                  "-addext",
                                  "subjectAltName=IP:127.0.0.1",
                                  "-addext",
                                  "basicConstraints=critical,CA:FALSE",
                                  "-keyout",
                                  path("server.key"),
                                  "-out",
                                  path("server.crt")};
    leaf.insert(leaf.end(), key.begin(), key.end());
    if (!run_program(root, path("openssl.log")) || !run_program(leaf, path("openssl.log"))) return false;

    const char* bundle = curl_version_info(CURLVERSION_NOW)->cainfo;
    std::ifstream system(bundle == nullptr ? "/etc/ssl/certs/ca-certificates.crt" : bundle);
    std::ifstream own(path("ca.crt"));
    ca_file_ = path("bundle.crt");
    std::ofstream(ca_file_) << system.rdbuf() << own.rdbuf();
    return system && own;
}

bool NginxFront::launch(int upstream_port, int recorded_upstream_port) {
    const auto recycling = reserve_port();
    const auto closing = reserve_port();
    recycling_port_ = recycling.port;
    closing_port_ = closing.port;
    const auto upstream = [](const std::string& name, int port) {
        return "upstream " + name + " { server 127.0.0.1:" + std::to_string(port) +
               "; keepalive 64; keepalive_requests 1000000; }\n";
    };
    std::ofstream(path("nginx.conf"))
        << "daemon off; master_process off; pid " << path("nginx.pid") << "; error_log " << path("error.log")
        << " error;\n"
        << "events { worker_connections 4096; }\n"
        << "http {\n"
        << "access_log off; client_body_temp_path " << path("body") << "; proxy_temp_path " << path("proxy")
        << "; fastcgi_temp_path " << path("fastcgi") << "; uwsgi_temp_path " << path("uwsgi") << "; scgi_temp_path "
        << path("scgi") << ";\n"
        << "ssl_certificate " << path("server.crt") << "; ssl_certificate_key " << path("server.key")
        << "; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache off; ssl_session_tickets off;\n"
        << "proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_next_upstream off;\n"
        << upstream("plain", upstream_port) << upstream("recorded", recorded_upstream_port)
        << "server { listen 127.0.0.1:" << recycling_port_ << " ssl http2 reuseport; keepalive_requests 100; "
        << "location / { proxy_pass http://recorded; } }\n"
        << "server { listen 127.0.0.1:" << closing_port_ << " ssl reuseport; keepalive_timeout 0; "
        << "location / { proxy_pass http://plain; } }\n"
        << "}\n";
    const std::vector<std::string> command{nginx_program(),    "-p", folder_,          "-c",
                                           path("nginx.conf"), "-e", path("error.log")};
    process_ = start_program(command, path("nginx.log"));
    const bool up = process_ > 0 && answers(process_, closing_url(), ca_file_);
    ::close(recycling.fd);
    ::close(closing.fd);
    return up;
}

}  // namespace holysheep::bench
