// Keeps secrets out of everything that leaves the library as text: a gateway's error may quote the key it refused.
// Error, log line → [Redactor] → caller
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <holysheep/error.hpp>

namespace holysheep::telemetry {

/// Whether a header of this name is one for keys and the like.
bool carries_a_secret(std::string_view header);

class Redactor {
  public:
    /// Values shorter than six characters are not looked for: they would match ordinary words.
    void add(std::string_view secret);
    /// The values of those headers that carry secrets.
    void add(const std::vector<std::pair<std::string, std::string>>& headers);
    /// Also what is left of a secret where the text was cut: at its end, and before "…".
    void scrub(std::string& text) const;
    /// Every text of the error, the trail's and the raw body included.
    void scrub(Error& error) const;

  private:
    std::size_t scrub_begun(std::string& text, std::size_t end) const;
    std::vector<std::string> secrets_;
};

}  // namespace holysheep::telemetry
