// Examples run against the simulator as a user would run them.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "gateway_under_test.hpp"
#include "scratch_folder.hpp"

namespace holysheep::loopback {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Ran {
    int status = -1;
    std::string output;
};

Ran run(const std::string& command) {
    Ran ran;
    auto* const pipe = ::popen((command + " 2>&1 </dev/null").c_str(), "r");
    if (pipe == nullptr) return ran;
    std::array<char, 512> bytes;
    for (std::size_t got = 0; (got = std::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;)
        ran.output.append(bytes.data(), got);
    const int status = ::pclose(pipe);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

[[maybe_unused]] Ran run(const std::string& program, const GatewaySimulator& gateway) {
    return run("HOLYSHEEP_API_KEY=sk-example HOLYSHEEP_BASE_URL=" + gateway.base_url("us-west") +
               " HOLYSHEEP_REGIONS= HOLYSHEEP_LOG=off '" + program + "'");
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

#ifdef EXAMPLE_roi
TEST(Example, RoiPrintsTheMonthlyCostOfEachModel) {
    const auto ran = run("'" EXAMPLE_roi "' --tokens 10000000 --json");
    EXPECT_EQ(ran.status, 0);
    EXPECT_EQ(
        ran.output,
        R"({"tokens":10000000,"models":[{"id":"gpt-4.1","usd":"80.00"},{"id":"claude-sonnet-4.5","usd":"150.00"},)"
        R"({"id":"gemini-2.5-flash","usd":"25.00"},{"id":"deepseek-v3.2","usd":"4.20"}]})"
        "\n");
}

TEST(Example, RoiPrintsWhatAMoveSaves) {
    const auto ran = run("'" EXAMPLE_roi "' --tokens 50000000 --from gpt-4.1 --to deepseek-v3.2 --json");
    EXPECT_EQ(ran.status, 0);
    EXPECT_EQ(ran.output,
              R"({"tokens":50000000,"from":"gpt-4.1","to":"deepseek-v3.2","from_usd":"400.00","to_usd":"21.00",)"
              R"("saved_usd":"379.00","saved_percent":94.75})"
              "\n");
}

TEST(Example, RoiPrintsATableAndTakesShares) {
    const auto ran = run("'" EXAMPLE_roi "' --tokens 10000000 --input-share 0.7 --cached-share 0.5");
    EXPECT_EQ(ran.status, 0);
    // 3.5 M × 2.00 + 3.5 M × 0.50 + 3 M × 8.00
    EXPECT_THAT(ran.output,
                AllOf(HasSubstr("10000000 tokens a month"), HasSubstr("32.75 USD"), HasSubstr("2.338 USD")));
}

TEST(Example, RoiGoesByAPriceListAndALedger) {
    const ScratchFolder folder;
    const auto prices = folder.path("prices.json"), ledger = folder.path("ledger.json");
    folder.write("prices.json", R"({"models": {"merino-1": {"input": "1", "output": "2"}}})");
    const auto listed = run("'" EXAMPLE_roi "' --tokens 1000000 --json --prices " + prices);
    EXPECT_THAT(listed.output, HasSubstr(R"({"id":"merino-1","usd":"2.00"})"));

    const CostLine line{.model = "gpt-4.1-2025-04-14",
                        .calls = 3,
                        .attempts = 3,
                        .prompt_tokens = 1'000'000,
                        .completion_tokens = 500'000,
                        .cost = *parse_money("6")};
    const CostLine other{.model = "suffolk", .calls = 1, .attempts = 1, .prompt_tokens = 7, .cost = *parse_money("1")};
    folder.write("ledger.json", CostLedger{{line, other}}.to_json());
    const auto told =
        run("'" EXAMPLE_roi "' --from gpt-4.1 --to merino-1 --json --prices " + prices + " --ledger " + ledger);
    EXPECT_EQ(told.output, R"({"calls":3,"tokens":1500000,"unknown_cost":0,"from":"gpt-4.1","to":"merino-1",)"
                           R"("from_usd":"6.00","to_usd":"2.00","saved_usd":"4.00","saved_percent":66.67})"
                           "\n");
    const auto all = run("'" EXAMPLE_roi "' --models merino-1 --json --prices " + prices + " --ledger " + ledger);
    EXPECT_EQ(
        all.output,
        R"({"calls":4,"tokens":1500007,"unknown_cost":0,"usd":"7.00","models":[{"id":"merino-1","usd":"2.000007"}]})"
        "\n");
}

TEST(Example, RoiSaysWhatItLacks) {
    const auto unknown = run("'" EXAMPLE_roi "' --tokens 5 --from gpt-4.1 --to yak-9");
    EXPECT_EQ(unknown.status, 2);
    EXPECT_THAT(unknown.output, HasSubstr("the price of yak-9 is not known: give it with --prices"));
    EXPECT_EQ(run("'" EXAMPLE_roi "'").status, 2);
    EXPECT_THAT(run("'" EXAMPLE_roi "' --tokens lots").output, HasSubstr("--tokens 'lots' is no number"));
}
#endif

}  // namespace
}  // namespace holysheep::loopback
