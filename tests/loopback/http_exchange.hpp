// Sends one HTTP request with libcurl, for tests that access a server from outside.
// test → [http] → server under test
#pragma once

#include <map>
#include <string>
#include <vector>

namespace holysheep::loopback {

struct HttpReply {
    int status = 0;                                ///< 0: no answer came
    std::map<std::string, std::string> headers{};  ///< names in lower case
    std::string body{};
};

/// `headers` are lines such as "Host: localhost". Follows no redirects.
HttpReply http(const std::string& url, const std::vector<std::string>& headers = {}, const std::string& method = "GET",
               const std::string& body = {});

}  // namespace holysheep::loopback
