// Decides whether a 200 to a probe comes from a gateway.
// first bytes of a body → [probe_answer] → Prober
#pragma once

#include <cstddef>
#include <string_view>

namespace holysheep::wire {

/// The maximum length of a body that is kept for this decision.
inline constexpr std::size_t kProbeBodyBytes = std::size_t{16} << 10U;

/// False for an HTML page (of a login, or of a proxy) and for an error in any known shape. A truncated body is judged
/// by its beginning; an empty one, and text of any other kind, count as an answer.
bool is_probe_answer(std::string_view body, bool whole);

}  // namespace holysheep::wire
