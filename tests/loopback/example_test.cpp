// Examples run against the simulator as a user would run them.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "gateway_under_test.hpp"

namespace holysheep::loopback {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Ran {
    int status = -1;
    std::string output;
};

[[maybe_unused]] Ran run(const std::string& program, const GatewaySimulator& gateway) {
    const auto command = "HOLYSHEEP_API_KEY=sk-example HOLYSHEEP_BASE_URL=" + gateway.base_url("us-west") +
                         " HOLYSHEEP_REGIONS= HOLYSHEEP_LOG=off '" + program + "' 2>&1 </dev/null";
    Ran ran;
    auto* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return ran;
    std::array<char, 512> bytes;
    for (std::size_t got = 0; (got = std::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;)
        ran.output.append(bytes.data(), got);
    const int status = ::pclose(pipe);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

#ifdef EXAMPLE_tools
TEST(Example, ToolsRunsTheToolAndPrintsTheAnswer) {
    const GatewaySimulator gateway({{.id = "us-west"}});
    const auto ran = run(EXAMPLE_tools, gateway);
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_THAT(ran.output, AllOf(HasSubstr("[price_of_wool {\"breed\":"), HasSubstr("euros_per_kilo"),
                                  HasSubstr("2 questions, 4 messages")));
}
#endif

#ifdef EXAMPLE_structured
TEST(Example, StructuredPrintsWhatItParsed) {
    const GatewaySimulator gateway({{.id = "us-west"}});
    const auto ran = run(EXAMPLE_structured, gateway);
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr(", 1 microns"));
}
#endif

#ifdef EXAMPLE_conversation
TEST(Example, ConversationSendsTheAnswersBackAndSurvivesACut) {
    GatewaySimulator gateway({{.id = "us-west"}});
    gateway.set_fault("us-west", {.kind = Kind::cut, .times = 1, .after_chunks = 2});
    const auto ran = run(EXAMPLE_conversation, gateway);
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr("[again]"));
    const auto seen = gateway.seen("us-west");
    EXPECT_THAT(seen.back().body, AllOf(HasSubstr("\"assistant\""), HasSubstr("And which the most?")));
}
#endif

}  // namespace
}  // namespace holysheep::loopback
