// Both proxies forward streams unbuffered. nginx does not retry on another backend, so that half of a region can fail,
// and never marks a backend as failed, so that a region recovers as soon as its processes do.
#include "proxy_text.hpp"

namespace holysheep::soak {

namespace {

std::string nginx_upstream(const std::string& name, const std::vector<PoolPorts>& backends,
                           std::uint16_t PoolPorts::*port, bool keeps_connections) {
    std::string text = "upstream " + name + " {\n";
    for (const auto& backend : backends) {
        text += "    server 127.0.0.1:" + std::to_string(backend.*port) + " max_fails=0;\n";
    }
    return text + (keeps_connections ? "    keepalive 32;\n}\n" : "}\n");
}

std::string haproxy_backend(const std::string& name, const std::vector<PoolPorts>& backends,
                            std::uint16_t PoolPorts::*port) {
    std::string text = "backend " + name + "\n";
    for (std::size_t i = 0; i < backends.size(); ++i) {
        text += "    server s" + std::to_string(i) + " 127.0.0.1:" + std::to_string(backends[i].*port) +
                " check inter 500ms fall 2 rise 1\n";
    }
    return text;
}

}  // namespace

std::string nginx_text(const std::string& folder, const std::vector<std::uint16_t>& listen,
                       const std::vector<PoolPorts>& backends, bool upstream_1_0) {
    std::string text = "daemon off;\nmaster_process off;\npid " + folder + "/nginx.pid;\nerror_log " + folder +
                       "/error.log error;\nevents { worker_connections 4096; }\nhttp {\naccess_log off;\n";
    for (const auto* directory : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
        text += std::string(directory) + "_temp_path " + folder + "/" + directory + ";\n";
    }
    text += "map $http_x_thinks $pool { default quick; 1 thinking; }\n" +
            nginx_upstream("quick", backends, &PoolPorts::quick, !upstream_1_0) +
            nginx_upstream("thinking", backends, &PoolPorts::thinking, !upstream_1_0) + "server {\n";
    for (const auto port : listen) text += "    listen 127.0.0.1:" + std::to_string(port) + ";\n";
    text +=
        "    location / {\n        proxy_pass http://$pool;\n        proxy_buffering off;\n"
        "        proxy_next_upstream off;\n";
    if (!upstream_1_0) text += "        proxy_http_version 1.1;\n        proxy_set_header Connection \"\";\n";
    return text + "    }\n}\n}\n";
}

std::string haproxy_text(const std::vector<std::uint16_t>& listen, const std::vector<PoolPorts>& backends) {
    std::string text =
        "global\n    maxconn 2000\ndefaults\n    mode http\n    option http-no-delay\n    timeout connect 5s\n    "
        "timeout client 60s\n"
        "    timeout server 60s\nfrontend region\n";
    for (const auto port : listen) text += "    bind 127.0.0.1:" + std::to_string(port) + "\n";
    return text + "    use_backend thinking if { req.hdr(" + kThinkingHeader + ") 1 }\n    default_backend quick\n" +
           haproxy_backend("quick", backends, &PoolPorts::quick) +
           haproxy_backend("thinking", backends, &PoolPorts::thinking);
}

}  // namespace holysheep::soak
