// Keeps secrets out of everything that leaves the library as text: a gateway's error may quote the key it refused.
// Error, log line → [Redactor] → caller
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/error.hpp>

namespace holysheep::telemetry {

/// Whether a header, or a parameter of a URL, of this name is one for keys and the like. Gateways have names of their
/// own for them (`x-goog-api-key`, `ocp-apim-subscription-key`, `x-amz-security-token`): what their words have in
/// common decides.
bool carries_a_secret(std::string_view name);
/// Whether it looks like one, whatever its name: long, without a space, letters and digits mixed.
bool looks_like_a_secret(std::string_view value);

class Redactor {
  public:
    /// Values shorter than six characters are not looked for: they would match ordinary words.
    void add(std::string_view secret);
    /// The values of those headers that carry secrets, or look as if they did.
    void add(const std::vector<std::pair<std::string, std::string>>& headers);
    /// The same of the parameters of a URL's query, with or without its question mark.
    void add_query(std::string_view query);
    /// Also what is left of a secret where the text was cut: at its end, and before "…".
    void scrub(std::string& text) const;
    /// Every text of the error, the trail's and the raw body included.
    void scrub(Error& error) const;

  private:
    std::size_t scrub_begun(std::string& text, std::size_t end) const;
    std::vector<std::string> secrets_;
};

}  // namespace holysheep::telemetry
