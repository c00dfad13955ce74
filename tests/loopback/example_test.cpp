// Runs the examples against the simulator as a user would.
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "gateway_under_test.hpp"
#include "http_exchange.hpp"
#include "scratch_folder.hpp"
#ifdef EXAMPLE_dashboard
#include "terminal_session.hpp"
#endif

namespace holysheep::loopback {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct ProgramResult {
    int status = -1;
    std::string output;
};

ProgramResult run(const std::string& command) {
    ProgramResult result;
    auto* const pipe = ::popen((command + " 2>&1 </dev/null").c_str(), "r");
    if (pipe == nullptr) return result;
    std::array<char, 512> bytes;
    for (std::size_t got = 0; (got = std::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;)
        result.output.append(bytes.data(), got);
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

[[maybe_unused]] ProgramResult run(const std::string& program, const GatewaySimulator& gateway,
                                   const std::string& arguments = {}) {
    return run("HOLYSHEEP_API_KEY=sk-example HOLYSHEEP_BASE_URL=" + gateway.base_url("us-west") +
               " HOLYSHEEP_REGIONS= HOLYSHEEP_LOG=off '" + program + "' " + arguments);
}

TEST(Example, EachReportsInvalidOptions) {
    std::istringstream programs(EXAMPLES_WITH_A_CLIENT);
    for (std::string program; std::getline(programs, program);) {
        const auto result = run("HOLYSHEEP_REGIONS=a=http://gateway.example/v1 '" + program + "'");
        EXPECT_EQ(result.status, 1) << program;
        EXPECT_THAT(result.output, AllOf(HasSubstr("use https://"), Not(HasSubstr("terminate")))) << program;
    }
}

TEST(Example, EachPrintsItsUsageAndRefusesUnknownArguments) {
    const GatewaySimulator gateway({{.id = "us-west"}});
    std::istringstream programs(EXAMPLES);
    for (std::string program; std::getline(programs, program);) {
        SCOPED_TRACE(program);
        const auto help = run(program, gateway, "--help");
        EXPECT_EQ(help.status, 0) << "--help is not an error: " << help.output;
        EXPECT_THAT(help.output, HasSubstr("usage: " + program.substr(program.rfind('/') + 1)));
        const auto wrong = run(program, gateway, "--hlep");
        EXPECT_EQ(wrong.status, 2);
        EXPECT_FALSE(wrong.output.empty());
    }
    EXPECT_EQ(gateway.requests("us-west"), 0U);
}

#ifdef EXAMPLE_tools
TEST(Example, ToolsRunsTheToolAndPrintsTheAnswer) {
    const GatewaySimulator gateway({{.id = "us-west"}});
    const auto result = run(EXAMPLE_tools, gateway);
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_THAT(result.output, AllOf(HasSubstr("[price_of_wool {\"breed\":"), HasSubstr("euros_per_kilo"),
                                     HasSubstr("2 questions, 4 messages")));
}
#endif

#ifdef EXAMPLE_verify_key
TEST(Example, VerifyKeyDistinguishesFiveProblems) {
    GatewaySimulator gateway({{.id = "us-west"}});
    const auto with_status = [&](int status) {
        gateway.set_fault("us-west", {.kind = Fault::Kind::status, .status = status});
        return run(EXAMPLE_verify_key, gateway);
    };
    EXPECT_EQ(run(EXAMPLE_verify_key, gateway).status, 0);
    EXPECT_EQ(with_status(401).status, 2);
    EXPECT_EQ(with_status(403).status, 3);
    const auto payment_required = with_status(402);
    EXPECT_EQ(payment_required.status, 4);
    EXPECT_THAT(payment_required.output, HasSubstr("top it up"));
    gateway.set_fault("us-west", {.kind = Fault::Kind::refuse});
    EXPECT_EQ(run(EXAMPLE_verify_key, gateway).status, 5);
    const auto malformed =
        run("HOLYSHEEP_API_KEY=wrong HOLYSHEEP_BASE_URL= HOLYSHEEP_REGIONS= '" EXAMPLE_verify_key "'");
    EXPECT_EQ(malformed.status, 1);
    EXPECT_THAT(malformed.output, AllOf(HasSubstr("sk-"), HasSubstr("https://www.holysheep.ai")));
}
#endif

#ifdef EXAMPLE_structured
TEST(Example, StructuredPrintsWhatItParsed) {
    const GatewaySimulator gateway({{.id = "us-west"}});
    const auto result = run(EXAMPLE_structured, gateway);
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr(", 1 microns"));
}
#endif

#ifdef EXAMPLE_conversation
TEST(Example, ConversationSendsTheAnswersBackAndSurvivesACutStream) {
    GatewaySimulator gateway({{.id = "us-west"}});
    gateway.set_fault("us-west", {.kind = Kind::cut, .times = 1, .after_chunks = 2});
    const auto result = run(EXAMPLE_conversation, gateway);
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr("[again]"));
    const auto seen = gateway.seen("us-west");
    EXPECT_THAT(seen.back().body, AllOf(HasSubstr("\"assistant\""), HasSubstr("And which the most?")));
}
#endif

#ifdef EXAMPLE_roi
TEST(Example, RoiPrintsTheMonthlyCostOfEachModel) {
    const auto result = run("'" EXAMPLE_roi "' --tokens 10000000 --json");
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(
        result.output,
        R"({"tokens":10000000,"models":[{"id":"gpt-4.1","usd":"80.00"},{"id":"claude-sonnet-4.5","usd":"150.00"},)"
        R"({"id":"gemini-2.5-flash","usd":"25.00"},{"id":"deepseek-v3.2","usd":"4.20"}]})"
        "\n");
}

TEST(Example, RoiPrintsTheSavingsOfAMove) {
    const auto result = run("'" EXAMPLE_roi "' --tokens 50000000 --from gpt-4.1 --to deepseek-v3.2 --json");
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.output,
              R"({"tokens":50000000,"from":"gpt-4.1","to":"deepseek-v3.2","from_usd":"400.00","to_usd":"21.00",)"
              R"("saved_usd":"379.00","saved_percent":94.75})"
              "\n");
}

TEST(Example, RoiPrintsATableAndAcceptsShares) {
    const auto result = run("'" EXAMPLE_roi "' --tokens 10000000 --input-share 0.7 --cached-share 0.5");
    EXPECT_EQ(result.status, 0);
    // 3.5 M × 2.00 + 3.5 M × 0.50 + 3 M × 8.00
    EXPECT_THAT(result.output,
                AllOf(HasSubstr("10000000 tokens a month"), HasSubstr("32.75 USD"), HasSubstr("2.338 USD")));
}

TEST(Example, RoiUsesAPriceListAndALedger) {
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
                        .cost = usd("6")};
    const CostLine other{.model = "suffolk", .calls = 1, .attempts = 1, .prompt_tokens = 7, .cost = usd("1")};
    folder.write("ledger.json", CostLedger{{line, other}}.to_json());
    const auto move =
        run("'" EXAMPLE_roi "' --from gpt-4.1 --to merino-1 --json --prices " + prices + " --ledger " + ledger);
    EXPECT_EQ(move.output, R"({"calls":3,"tokens":1500000,"unknown_cost":0,"from":"gpt-4.1","to":"merino-1",)"
                           R"("from_usd":"6.00","to_usd":"2.00","saved_usd":"4.00","saved_percent":66.67})"
                           "\n");
    const auto all = run("'" EXAMPLE_roi "' --models merino-1 --json --prices " + prices + " --ledger " + ledger);
    EXPECT_EQ(
        all.output,
        R"({"calls":4,"tokens":1500007,"unknown_cost":0,"usd":"7.00","models":[{"id":"merino-1","usd":"2.000007"}]})"
        "\n");
}

TEST(Example, RoiReportsMissingInput) {
    const auto unknown = run("'" EXAMPLE_roi "' --tokens 5 --from gpt-4.1 --to yak-9");
    EXPECT_EQ(unknown.status, 2);
    EXPECT_THAT(unknown.output, HasSubstr("the price of yak-9 is not known: give it with --prices"));
    EXPECT_EQ(run("'" EXAMPLE_roi "'").status, 2);
    EXPECT_THAT(run("'" EXAMPLE_roi "' --tokens lots").output, HasSubstr("--tokens 'lots' is not a number"));
}
#endif

#ifdef EXAMPLE_spans
TEST(Example, SpansWritesOneForTheCallAndOneForEachAttempt) {
    const GatewaySimulator gateway({{.id = "us-west"}});
    const auto result = run(EXAMPLE_spans, gateway);
    EXPECT_EQ(result.status, 0) << result.output;
    std::istringstream lines(result.output);
    std::vector<nlohmann::json> spans;
    for (std::string line; std::getline(lines, line);) spans.push_back(nlohmann::json::parse(line));
    ASSERT_GE(spans.size(), 2U) << result.output;
    EXPECT_EQ(spans[0]["name"], "chat gpt-4.1");
    EXPECT_EQ(spans[0]["attributes"]["gen_ai.operation.name"], "chat");
    for (std::size_t i = 1; i < spans.size(); ++i) {
        EXPECT_EQ(spans[i]["parentSpanId"], spans[0]["spanId"]);
        EXPECT_EQ(spans[i]["traceId"], spans[0]["traceId"]);
    }
}
#endif

#ifdef EXAMPLE_dashboard
TEST(Example, DashboardPrintsPlainTextWithoutATerminal) {
    const GatewaySimulator gateway({{.id = "us-west"}});
    const auto text = run(EXAMPLE_dashboard, gateway);
    EXPECT_EQ(text.status, 0) << text.output;
    EXPECT_THAT(text.output, AllOf(HasSubstr("3 calls, 100% ok"), HasSubstr("● default"), Not(HasSubstr("\x1b"))));
    const auto json = run(EXAMPLE_dashboard, gateway, "--json");
    EXPECT_EQ(nlohmann::json::parse(json.output)["regions"][0]["succeeded"], 3);
    const auto metrics = run(EXAMPLE_dashboard, gateway, "--prometheus");
    EXPECT_THAT(metrics.output,
                HasSubstr("holysheep_attempts_total{region=\"default\",result=\"ok\",cause=\"none\"} 3\n"));
}

TEST(Example, DashboardDemoAlwaysShowsAFailover) {
    std::vector<std::future<ProgramResult>> runs;
    for (int i = 0; i < 6; ++i) {
        runs.push_back(
            std::async(std::launch::async, [] { return run("(" EXAMPLE_dashboard " --demo --json 2>/dev/null)"); }));
    }
    for (auto& result : runs) {
        const auto stats = nlohmann::json::parse(result.get().output);
        EXPECT_GE(stats["failovers"], 1);
        EXPECT_EQ(stats["failed"], 0) << "every call succeeds";
    }
}

TEST(Example, DashboardDrawsDrainsAndRestoresTheTerminal) {
    TerminalSession session({EXAMPLE_dashboard, "--demo"});
    ASSERT_TRUE(session.wait_for("q quit")) << session.drawn();
    EXPECT_FALSE(session.is_restored()) << "single keys, no echo";
    session.press('2');
    EXPECT_TRUE(session.wait_for("2 resume eu-central")) << session.drawn();
    session.press('2');
    EXPECT_TRUE(session.wait_for("2 drain eu-central")) << session.drawn();
    EXPECT_TRUE(session.wait_for("us-west refuses connections")) << session.drawn();
    EXPECT_TRUE(session.wait_for("us-west is ")) << session.drawn();
    session.press('q');
    EXPECT_EQ(session.exit_code(), 0);
    EXPECT_TRUE(session.is_restored());
    EXPECT_THAT(session.drawn(), ::testing::EndsWith("\x1b[?25h\x1b[?1049l"))
        << "restores the cursor and the main screen";
}

TEST(Example, DashboardRestoresTheTerminalOnControlC) {
    TerminalSession session({EXAMPLE_dashboard, "--demo"});
    ASSERT_TRUE(session.wait_for("q quit")) << session.drawn();
    session.press('\x03');
    EXPECT_EQ(session.exit_code(), 0) << "the program ended normally";
    EXPECT_TRUE(session.is_restored());
    EXPECT_THAT(session.drawn(), ::testing::EndsWith("\x1b[?25h\x1b[?1049l"));
}

/// The width of the widest row.
std::size_t columns(const std::vector<std::string>& rows) {
    std::size_t widest = 0;
    for (const auto& row : rows) {
        const auto columns =
            std::ranges::count_if(row, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; });
        widest = std::max(widest, static_cast<std::size_t>(columns));
    }
    return widest;
}

TEST(Example, DashboardFitsTheWindowAndKeepsItsFirstAndLastRow) {
    TerminalSession session({EXAMPLE_dashboard, "--demo"});
    ASSERT_TRUE(session.wait_for(">> us-west")) << session.drawn();
    const auto fits = [&](std::size_t width, std::size_t height) {
        session.resize(static_cast<unsigned short>(width), static_cast<unsigned short>(height));
        std::vector<std::string> rows;
        for (int i = 0; i < 5; ++i) {
            rows = session.page();  // the first pages may still have the old size
            if (rows.size() <= height && columns(rows) <= width) break;
        }
        EXPECT_LE(rows.size(), height);
        EXPECT_LE(columns(rows), width);
        if (rows.empty()) rows.resize(1);
        EXPECT_THAT(rows.front(), StartsWith("holysheep up"));
        EXPECT_THAT(rows.back(), StartsWith("1 drain"));
        return rows;
    };
    const auto text = [&](std::size_t width, std::size_t height) {
        std::string joined;
        for (const auto& row : fits(width, height)) joined += row + '\n';
        return joined;
    };
    EXPECT_THAT(text(100, 40), AllOf(HasSubstr(">> us-west"), HasSubstr("█"), HasSubstr(" tokens in")));
    EXPECT_THAT(text(80, 24), AllOf(HasSubstr("eu-central"), HasSubstr(" tokens in")));
    EXPECT_THAT(text(80, 10), AllOf(HasSubstr("ap-southeast"), HasSubstr(" tokens in"), Not(HasSubstr("█"))));
    EXPECT_THAT(text(30, 6), AllOf(HasSubstr("ap-southe"), HasSubstr("…"), Not(HasSubstr(" tokens in"))));
    fits(80, 2);
}

TEST(Example, DashboardRestoresTheTerminalWhileItIsStopped) {
    // Run it in a shell, because Ctrl-Z does not stop a program that no process could continue.
    TerminalSession session(
        {"/bin/sh", "-mc", "'" EXAMPLE_dashboard "' --demo; echo [stopped]; read line; fg; echo [ended $?]"});
    ASSERT_TRUE(session.wait_for("q quit")) << session.drawn();
    session.press('\x1a');
    ASSERT_TRUE(session.wait_for("\x1b[?25h\x1b[?1049l")) << session.drawn();
    ASSERT_TRUE(session.wait_for("[stopped]")) << session.drawn();
    EXPECT_TRUE(session.is_restored());
    session.press('\n');
    ASSERT_TRUE(session.wait_for("\x1b[?1049h")) << session.drawn();
    ASSERT_TRUE(session.wait_for("q quit")) << session.drawn();
    EXPECT_FALSE(session.is_restored()) << "single keys again, no echo";
    session.press('q');
    EXPECT_TRUE(session.wait_for("[ended 0]")) << session.drawn();
    EXPECT_EQ(session.exit_code(), 0);
    EXPECT_TRUE(session.is_restored());
}

TEST(Example, DashboardRestoresTheTerminalOnControlBackslash) {
    TerminalSession session({EXAMPLE_dashboard, "--demo"});
    ASSERT_TRUE(session.wait_for("q quit")) << session.drawn();
    session.press('\x1c');
    EXPECT_EQ(session.exit_code(), -1) << "ended by the signal";
    EXPECT_TRUE(session.is_restored());
    EXPECT_THAT(session.drawn(), ::testing::EndsWith("\x1b[?25h\x1b[?1049l"));
}

TEST(Example, DashboardServesThePageUntilItIsInterrupted) {
    TerminalSession session({EXAMPLE_dashboard, "--demo", "--serve"});
    ASSERT_TRUE(session.wait_for("the page is at http://127.0.0.1:")) << session.drawn();
    ASSERT_TRUE(session.wait_for("/, Ctrl-C ends it")) << session.drawn();
    const auto begin = session.drawn().find("http://");
    const auto url = session.drawn().substr(begin, session.drawn().find(',', begin) - begin);
    EXPECT_THAT(http(url).body, HasSubstr("</html>"));
    EXPECT_EQ(nlohmann::json::parse(http(url + "stats.json").body)["regions"].size(), 3U);
    session.press('\x03');
    EXPECT_EQ(session.exit_code(), 0) << "the program ended normally";
}

TEST(Example, DashboardPrintsItsUsage) {
    const auto help = run("'" EXAMPLE_dashboard "' --help");
    EXPECT_EQ(help.status, 0) << "--help is not an error";
    EXPECT_THAT(help.output, HasSubstr("usage: dashboard"));
    for (const auto* arguments : {"--sevre", "--serve 99999", "9464"}) {
        const auto result = run("'" EXAMPLE_dashboard "' " + std::string(arguments));
        EXPECT_EQ(result.status, 2) << arguments;
        EXPECT_THAT(result.output, HasSubstr("usage: dashboard"));
    }
}
#endif

}  // namespace
}  // namespace holysheep::loopback
