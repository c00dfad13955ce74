// The point of an answer at which a fake region freezes. From then on it sends nothing, and answers no probes.
// test → [FreezeAt] → FakeTransport, GatewaySimulator
#pragma once

#include <array>
#include <string_view>

namespace holysheep {
inline namespace v0 {
namespace testing {

/// Where an answer stops. A frozen process sends nothing, while its kernel still accepts connections and acknowledges
/// bytes. For a plain answer, `after_role` is its first byte, and `amid_comments` are blanks before it.
enum class FreezeAt {
    before_head,    ///< nothing is sent
    after_head,     ///< after the head
    after_role,     ///< after the chunk with the role, which is not content
    amid_comments,  ///< after keep-alive comments every 200 ms, for 1.6 s
    after_content,  ///< after the first piece of content; for plain answers, half of the body
    before_end      ///< after all of the content
};

/// All enumerators.
inline constexpr std::array kFreezeMoments{FreezeAt::before_head,   FreezeAt::after_head,    FreezeAt::after_role,
                                           FreezeAt::amid_comments, FreezeAt::after_content, FreezeAt::before_end};

/// The name of the enumerator.
constexpr std::string_view to_string(FreezeAt at) {
    switch (at) {
        case FreezeAt::before_head: return "before_head";
        case FreezeAt::after_head: return "after_head";
        case FreezeAt::after_role: return "after_role";
        case FreezeAt::amid_comments: return "amid_comments";
        case FreezeAt::after_content: return "after_content";
        case FreezeAt::before_end: return "before_end";
    }
    return "unknown";
}

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
