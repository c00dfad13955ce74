// Removes secrets from all texts that leave the library: the error of a gateway may quote the key that it refused.
// Error, log line → [Redactor] → caller
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/error.hpp>

namespace holysheep::telemetry {

/// Whether a header or URL parameter of this name contains a secret. Gateways use various names (`x-goog-api-key`,
/// `ocp-apim-subscription-key`, `x-amz-security-token`); common words in them decide.
bool carries_a_secret(std::string_view name);
/// Whether a value looks like a secret: long, without spaces, with letters and digits.
bool looks_like_a_secret(std::string_view value);

class Redactor {
  public:
    /// Ignores values shorter than six characters, which would match ordinary words.
    void add(std::string_view secret);
    /// Adds the values of headers that contain or may contain secrets.
    void add(const std::vector<std::pair<std::string, std::string>>& headers);
    /// The same for the parameters of a URL's query, with or without its question mark.
    void add_query(std::string_view query);
    /// Also replaces parts of secrets where the text was truncated: at its end, and before "…".
    void scrub(std::string& text) const;
    /// Scrubs all texts of the error, including those of its attempts and the raw body.
    void scrub(Error& error) const;

  private:
    std::size_t scrub_begun(std::string& text, std::size_t end) const;
    std::vector<std::string> secrets_;
};

}  // namespace holysheep::telemetry
