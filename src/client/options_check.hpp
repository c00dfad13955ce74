// Validates options before the first call.
// ClientOptions, CallOptions → [check] → problems
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <holysheep/error.hpp>
#include <holysheep/options.hpp>

namespace holysheep::client {

/// One line per problem: option, value, remedy. Secrets are not quoted.
class Problems {
  public:
    void add(std::string_view option, std::string_view problem) {
        list_.push_back(std::string(option) + ": " + std::string(problem));
    }
    bool empty() const { return list_.empty(); }
    const std::vector<std::string>& list() const { return list_; }
    /// One error with all problems.
    Error to_error(std::string_view what) const;

  private:
    std::vector<std::string> list_;
};

/// Trims keys and sets default base URLs and the default region, so that later code has no special cases.
void normalise(ClientOptions& options);
void check(const ClientOptions& options, Problems& problems);

void check_retry(const RetryOptions& retry, std::string_view prefix, Problems& problems);
void check_timeouts(const TimeoutOptions& timeouts, std::string_view prefix, Problems& problems);
void check_headers(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view option,
                   Problems& problems);
void check_key(std::string_view option, std::string_view key, Problems& problems);
/// Validates limits, keys, budgets and models.
void check_limits(const ClientOptions& options, Problems& problems);
/// Trims a key from `key_source` and returns why it is invalid; "" if it is valid.
std::string problem_of_key(std::string& key);
bool has_control_characters(std::string_view text);
/// Whether the path begins with one '/' and contains no white space, '#' or non-ASCII characters.
bool is_request_path(std::string_view text);

}  // namespace holysheep::client
