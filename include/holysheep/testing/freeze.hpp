// At which moment of an answer a fake region freezes: from then on nothing comes from there, probes included.
// test → [FreezeAt] → FakeTransport, GatewaySimulator
#pragma once

#include <array>
#include <string_view>

namespace holysheep {
inline namespace v0 {
namespace testing {

/// A frozen process answers nothing while its host's kernel still accepts connections and acknowledges bytes. For a
/// plain answer, `after_role` is its first byte and `amid_comments` are blanks before it.
enum class FreezeAt {
    before_head,
    after_head,     ///< the head came, nothing more
    after_role,     ///< the chunk that announces the role, which is no content
    amid_comments,  ///< keep-alive comments every 200 ms, for 1.6 s
    after_content,  ///< the first piece of content; for plain answers, half of the body
    before_end      ///< all of the content, without the end
};

inline constexpr std::array kFreezeMoments{FreezeAt::before_head,   FreezeAt::after_head,    FreezeAt::after_role,
                                           FreezeAt::amid_comments, FreezeAt::after_content, FreezeAt::before_end};

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
