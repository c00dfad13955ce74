// The dashboard page in a real browser, with working and failing regions.
#include <holysheep/dashboard/server.hpp>

#include <cmath>
#include <filesystem>
#include <optional>
#include <set>

#include "gateway_under_test.hpp"
#include "web_driver.hpp"

namespace holysheep::browser {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using holysheep::testing::Fault;
using holysheep::testing::GatewaySimulator;
using holysheep::testing::IsOk;
using loopback::question;
using Kind = Fault::Kind;

constexpr char16_t kTab = u'\uE004', kSpace = u' ', kLeft = u'\uE012', kRight = u'\uE014', kHome = u'\uE011',
                   kEscape = u'\uE00C';

/// The value at a path such as "latency.p50_ms".
Json at(Json json, const std::string& path) {
    for (std::size_t begin = 0; begin <= path.size();) {
        const auto end = std::min(path.find('.', begin), path.size());
        json = json.value(path.substr(begin, end - begin), Json());
        begin = end + 1;
    }
    return json;
}

double sum_of(const Json& sums) {
    double sum = 0;
    for (const auto& entry : sums) sum += entry["amount"].get<double>();
    return sum;
}

class DashboardPage : public ::testing::Test {
  protected:
    void SetUp() override {
        HOLYSHEEP_SKIP_WITHOUT_TOOL("chromedriver");
        if (std::getenv("HOLYSHEEP_TOOL_TESTS") == nullptr && !browser::WebDriver::can_start()) {
            GTEST_SKIP() << "chromedriver does not start; a Chromium that is not a snap package would enable this test";
        }
        browser.emplace();
        browser->set_screen(1280, 1400, false);
        start_program();
    }
    void TearDown() override {
        if (!browser) return;
        for (const auto& entry : browser->console()) {
            if (entry["level"] == "SEVERE" && entry["source"] != "network") ADD_FAILURE() << entry;
            if (entry["source"] == "network" && !outage) ADD_FAILURE() << entry;
        }
    }

    /// Starts the observed program: a client and its dashboard server.
    void start_program(std::uint16_t port = 0, DashboardServerOptions server_options = {}) {
        client.emplace(options);
        server_options.port = port;
        server.emplace([this] { return client->stats(); }, server_options);
    }
    void stop_program() {
        server.reset();
        client.reset();
    }
    void open() {
        browser->open(server->url());
        ASSERT_TRUE(browser->eventually("document.getElementById('status').className === 'live'"));
    }
    /// Waits until the page shows the client's last call.
    bool wait_until_current() {
        return browser->eventually("document.querySelector('[data-field=calls]').dataset.value === '" +
                                   std::to_string(client->stats().calls) + "'");
    }
    void send_calls(int times, const std::string& model = "gpt-4.1") {
        for (int i = 0; i < times; ++i) {
            auto request = question();
            request.model = model;
            request.include_usage = true;
            ASSERT_THAT(client->stream(request).finish(), IsOk());
        }
    }
    /// Pauses polling and shows the latest snapshot after `change`, a script that modifies `stats`.
    void show_snapshot(const std::string& change) {
        browser->run("paused = true; const stats = structuredClone(store.last); " + change + "; take(stats); draw();");
    }
    Json elements(const std::string& selector, const std::string& expression) {
        return browser->run("return [...document.querySelectorAll('" + selector + "')].map((e) => " + expression + ")");
    }

    GatewaySimulator gateway{{{.id = "us-west"}, {.id = "eu-central"}}};
    ClientOptions options = loopback::options_for(gateway);
    std::optional<Client> client;
    std::optional<DashboardServer> server;
    std::optional<WebDriver> browser;
    bool outage = false;  // the server was down, so the browser reports network errors in the console
};

TEST_F(DashboardPage, ShowsTheValuesOfTheSnapshot) {
    open();
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 503, .times = 2});
    send_calls(1'003);
    send_calls(7, "deepseek-v3.2");
    send_calls(1, "<b>no price</b>");
    ASSERT_TRUE(wait_until_current());
    const auto snapshot = Json::parse(client->stats().to_json());

    int compared = 0;
    const auto compare = [&](const Json& wanted, const Json& shown) {
        const auto field = shown["field"].get<std::string>();
        if (field == "uptime_seconds") return;
        auto value = at(wanted, field);
        if (field == "cost" || field == "cost_estimated") value = sum_of(value);
        ++compared;
        if (!value.is_number()) {
            EXPECT_EQ(shown["value"], value.is_null() ? Json("") : value) << field;
            return;
        }
        EXPECT_NEAR(std::stod(shown["value"].get<std::string>()), value.get<double>(), 1e-9) << field;
        if (!value.is_number_integer()) return;
        auto text = shown["text"].get<std::string>();
        std::erase(text, ',');
        EXPECT_EQ(text, value.dump()) << field << ", as displayed";
    };
    const auto fields = "({field: e.dataset.field, value: e.dataset.value ?? '', text: e.textContent})";
    for (const auto& shown : elements("#tiles [data-field]", fields)) compare(snapshot, shown);
    const auto rows = [&](const std::string& table, const Json& wanted, const char* name) {
        ASSERT_EQ(elements("#" + table + " tbody tr", "e.dataset.key").size(), wanted.size());
        for (const auto& entry : wanted) {
            const auto key = entry[name].get<std::string>();
            EXPECT_EQ(elements("#" + table + " tr[data-key=\"" + key + "\"] th", "e.textContent"), Json{key});
            for (const auto& shown : elements("#" + table + " tr[data-key=\"" + key + "\"] [data-field]", fields)) {
                if (!shown["field"].get<std::string>().empty()) compare(entry, shown);
            }
        }
    };
    rows("regions", snapshot["regions"], "id");
    rows("models", snapshot["models"], "model");
    EXPECT_GE(compared, 8 + 2 * 15 + 3 * 8);
    EXPECT_EQ(elements("#failovers tbody tr", "[...e.children].map((cell) => cell.textContent)"),
              (Json{{"us-west", "eu-central", "server_failed", "2"}}));

    const auto cell_text = [&](const std::string& model, const std::string& field) {
        return elements("#models tr[data-key=\"" + model + "\"] [data-field=" + field + "]", "e.textContent")[0];
    };
    EXPECT_EQ(cell_text("gpt-4.1", "calls"), "1,003");
    EXPECT_EQ(cell_text("<b>no price</b>", "cost"), "unknown") << "not 0";
    EXPECT_EQ(browser->run("return document.querySelectorAll('main b').length"), 0) << "names are escaped";
}

TEST_F(DashboardPage, ShowsEstimatedAndUnknownCostsPerCurrency) {
    open();
    send_calls(1);
    ASSERT_TRUE(wait_until_current());
    const std::string models = R"(
        const model = (name, cost, cost_estimated, unpriced) =>
            ({...structuredClone(stats.models[0]), model: name, cost, cost_estimated, unpriced});
        const usd = (amount) => ({currency: 'USD', amount}), cny = (amount) => ({currency: 'CNY', amount});)";
    const auto cost = [&] {
        return browser->run("return document.querySelector('#tiles [data-key=Cost] dd').textContent");
    };
    const auto cells = [&](const std::string& model) {
        return browser->run("return [...document.querySelectorAll('#models tr[data-key=" + model +
                            "] td')].slice(6).map((cell) => cell.textContent)");
    };
    show_snapshot(
        models +
        "stats.models = [model('a', [usd(1)], [usd(191)], 3), model('b', [usd(4)], [], 0), model('c', [], [usd(4)], "
        "1)]");
    EXPECT_EQ(cost(), "about $200.00, $195.00 of it estimated, without 4 calls of unknown cost");
    EXPECT_EQ(cells("a"), (Json{"$1.00", "$191.00", "3", "96.0 %"}));
    EXPECT_EQ(cells("b"), (Json{"$4.00", "–", "0", "2.0 %"}));
    EXPECT_EQ(cells("c"), (Json{"–", "$4.00", "1", "2.0 %"}));
    EXPECT_NEAR(browser
                    ->run("const width = (model) => document.querySelector(`#models tr[data-key=${model}] .bar i`)"
                          ".getBoundingClientRect().width; return width('a') / width('b')")
                    .get<double>(),
                48, 6)
        << "the bars have the same ratio";

    show_snapshot(
        models +
        "stats.models = [model('a', [usd(3), cny(50)], [], 0), model('b', [usd(1)], [], 0), model('c', [], [], 2)]");
    EXPECT_EQ(cost(), "$4.00 + CN¥50.00, without 2 calls of unknown cost");
    EXPECT_EQ(cells("a")[3], "75.0 % of USD100 % of CNY");
    EXPECT_EQ(cells("b")[3], "25.0 % of USD");
    EXPECT_EQ(cells("c"), (Json{"unknown", "–", "2", ""}));
    show_snapshot(models + "stats.models = [model('c', [], [], 2)]");
    EXPECT_EQ(cost(), "unknown");
}

TEST_F(DashboardPage, OmitsStaleAndImpossibleFiguresOfARegion) {
    open();
    send_calls(1);
    ASSERT_TRUE(wait_until_current());
    const auto cell = [&](const std::string& region, const std::string& field) {
        return browser->run("return document.querySelector('#regions tr[data-key=" + region + "] [data-field=\"" +
                            field + "\"]').textContent");
    };
    const auto latency = [&](const std::string& figures) {
        show_snapshot(
            "Object.assign(stats.regions[0], {liveness: 'down', probe_ms: 12, weight: 1});"
            "Object.assign(stats.regions[1], {liveness: 'healthy', probe_ms: 12, weight: 1});"
            "stats.regions[0].latency = {min_ms: 90, p50_ms: 100, p95_ms: 139, " +
            figures + "}");
        return cell("us-west", "latency.p99_ms");
    };
    EXPECT_EQ(latency("count: 1000, average_ms: 141, p99_ms: 139, max_ms: 150"), "141 ms")
        << "within the error of the buckets";
    EXPECT_EQ(latency("count: 1000, average_ms: 500, p99_ms: 139, max_ms: 90000"), "139 ms")
        << "the average of a few very slow calls";
    EXPECT_EQ(latency("count: 60, average_ms: 120, p99_ms: 139, max_ms: 143"), "143 ms")
        << "the exact maximum is known";
    EXPECT_EQ(cell("us-west", "probe_ms"), "–");
    EXPECT_EQ(cell("us-west", "weight"), "–");
    EXPECT_EQ(cell("eu-central", "probe_ms"), "12 ms");
    EXPECT_EQ(cell("eu-central", "weight"), "1");
}

TEST_F(DashboardPage, ShowsThatAHealthyRegionIsSlow) {
    open();
    send_calls(1);
    ASSERT_TRUE(wait_until_current());
    const auto shown_reason = [&](const std::string& reason) {
        show_snapshot("Object.assign(stats.regions[0], {liveness: 'healthy', breaker: 'closed', reason: '" + reason +
                      "'})");
        return browser->run("return document.querySelector('#regions tr[data-key=us-west] small').textContent");
    };
    EXPECT_EQ(shown_reason("answers"), "");
    EXPECT_EQ(shown_reason("answers, far slower than usual"), "answers, far slower than usual");
    EXPECT_EQ(shown_reason("answers; asked for a pause (Retry-After)"), "") << "the pause has its own cell";
}

TEST_F(DashboardPage, FitsTheRegionsTableOnASmallLaptop) {
    open();
    send_calls(1);
    ASSERT_TRUE(wait_until_current());
    show_snapshot(R"(
        for (const region of stats.regions) {
            Object.assign(region, {id: 'ap-southeast-' + region.id.length, liveness: 'recovering', breaker: 'half_open',
                reason: 'no answer from probes for 12 s', attempts: 1234567, success_rate: 0.997, in_flight: 128,
                failovers_away: 12345, failovers_to: 12345, probe_ms: 1234, score: 100, weight: 0.5});
            region.latency = region.first_content = {count: 1e6, average_ms: 1141, min_ms: 1141, p50_ms: 1141, p95_ms: 4141,
                p99_ms: 5141, max_ms: 61141};
        })");
    const auto widths = browser->run(
        "const wide = document.getElementById('regions').parentElement; return [wide.scrollWidth, wide.clientWidth]");
    EXPECT_LE(widths[0].get<int>(), widths[1].get<int>());
    browser->take_screenshot(ARTEFACTS "/dashboard-wide.png");
}

TEST_F(DashboardPage, MarksFailoversStatesAndErrors) {
    options.health = {.unhealthy_interval = 100ms};
    options.breaker.open_for = 200ms;
    stop_program();
    start_program();
    open();
    send_calls(20);
    EXPECT_TRUE(browser->eventually("document.querySelector('path.series[data-region=us-west]')"));
    gateway.set_fault("us-west", {.kind = Kind::refuse});
    send_calls(10);
    EXPECT_TRUE(browser->eventually("document.querySelector('.failover-mark[data-from=us-west][data-to=eu-central]')"));
    EXPECT_TRUE(browser->eventually("document.querySelector('#states rect[data-region=us-west][data-state=down]')"));
    EXPECT_TRUE(browser->eventually("document.querySelector('#rates rect.errors')"));
    EXPECT_TRUE(browser->eventually("document.querySelector('#regions td[data-value=down]')"));
    EXPECT_TRUE(browser->eventually("document.getElementById('news').textContent.includes('us-west is down')"));
    browser->take_screenshot(ARTEFACTS "/dashboard-broken-region.png");

    gateway.revive("us-west");
    const auto recovers = [&] {
        send_calls(5);
        return browser->run("return document.querySelector('#regions td[data-field=liveness]').dataset.value") ==
               "healthy";
    };
    for (int i = 0; i < 200 && !recovers(); ++i) std::this_thread::sleep_for(50ms);
    EXPECT_TRUE(recovers());
    const auto states = elements("#states rect[data-region=us-west]", "e.dataset.state");
    EXPECT_EQ(states.back(), "healthy");
    EXPECT_THAT(std::vector<std::string>(states), ::testing::Contains("down"));
}

TEST_F(DashboardPage, SurvivesARestartOfTheProgram) {
    open();
    send_calls(5);
    ASSERT_TRUE(wait_until_current());
    const auto port = server->port();
    outage = true;
    stop_program();
    ASSERT_TRUE(browser->eventually("document.getElementById('status').textContent.includes('no answer')"));
    EXPECT_EQ(browser->run("return document.querySelector('[data-field=calls]').textContent"), "5")
        << "the last values stay visible";
    start_program(port);
    send_calls(2);
    ASSERT_TRUE(browser->eventually("document.getElementById('status').className === 'live'"));
    EXPECT_TRUE(wait_until_current());
    EXPECT_TRUE(browser->eventually("document.getElementById('news').textContent.includes('started again')"));
    EXPECT_EQ(browser->run("return store.rates.every(({requests, errors}) => requests >= 0 && errors >= 0)"), true);
}

TEST_F(DashboardPage, ShowsItsAgeWithoutAnswersAndWhilePaused) {
    open();
    send_calls(3);
    ASSERT_TRUE(wait_until_current());
    const auto newest = [&] { return browser->run("return document.querySelector('#latency .newest').textContent"); };
    const auto status = [&] { return browser->run("return document.getElementById('status').textContent"); };
    EXPECT_EQ(newest(), "now");
    const auto port = server->port();
    outage = true;
    stop_program();
    ASSERT_TRUE(browser->eventually("document.getElementById('status').className === 'lost'"));
    EXPECT_THAT(newest().get<std::string>(), ::testing::EndsWith(" s ago"));
    const auto press = "document.getElementById('pause').click(); ";
    EXPECT_EQ(browser->run(press + std::string("return document.documentElement.className")), "stale");
    EXPECT_EQ(status(), "paused; last: no answer; trying again");
    EXPECT_EQ(browser->run("const e = document.getElementById('pause');"
                           "return [e.textContent, e.hasAttribute('aria-pressed')]"),
              (Json{"Go on", false}))
        << "the label changes, so aria-pressed must not be set";
    EXPECT_EQ(browser->run(press + std::string("return document.getElementById('status').className")), "lost");
    start_program(port);
    ASSERT_TRUE(browser->eventually("document.getElementById('status').className === 'live'"));
    EXPECT_EQ(newest(), "now");
    EXPECT_EQ(browser->run(std::string("paused = true; showStatus();") + press +
                           "return document.getElementById('status').textContent"),
              "asking for news");
    ASSERT_TRUE(browser->eventually("document.getElementById('status').className === 'live'"));

    // A server that accepts the request and does not answer.
    browser->run("window.fetch = () => new Promise(() => {})");
    EXPECT_TRUE(browser->eventually("document.documentElement.className === 'stale'"));
    EXPECT_EQ(status(), "no answer yet");
    EXPECT_TRUE(browser->eventually("document.getElementById('age').textContent.startsWith('as of ')"));
}

TEST_F(DashboardPage, DetectsARestartDuringAPause) {
    open();
    send_calls(5);
    ASSERT_TRUE(wait_until_current());
    browser->run("document.getElementById('pause').click()");
    const auto port = server->port();
    const auto before = client->stats().uptime;
    outage = true;
    stop_program();
    start_program(port);
    send_calls(2);
    while (client->stats().uptime < before) std::this_thread::sleep_for(50ms);
    browser->run("document.getElementById('pause').click()");
    EXPECT_TRUE(wait_until_current());
    EXPECT_TRUE(browser->eventually("document.getElementById('news').textContent.includes('started again')"));
    EXPECT_EQ(browser->run("return store.rates.every(({requests, errors}) => requests >= 0 && errors >= 0)"), true);
}

TEST_F(DashboardPage, DistinguishesARestartFromASuspend) {
    open();
    send_calls(5);
    ASSERT_TRUE(wait_until_current());
    const std::string pass_a_minute =
        "const time = Date.now() + 60_000; Date.now = () => time; stats.uptime_seconds += 20; stats.attempts += 9;";
    const auto restarts = [&] {
        return browser->run("return document.getElementById('news').textContent.split('started again').length - 1");
    };
    show_snapshot(pass_a_minute);
    EXPECT_EQ(restarts(), 0) << "the counters continue: the machine was suspended";
    show_snapshot(pass_a_minute + "stats.changes = []; for (const region of stats.regions) region.history = [];");
    EXPECT_EQ(restarts(), 1) << "the history is gone: the program was restarted";
    EXPECT_EQ(browser->run("return store.rates.length"), 0);
}

TEST_F(DashboardPage, KeepsColoursWhenTheOrderOfRegionsChanges) {
    open();
    send_calls(3);
    ASSERT_TRUE(wait_until_current());
    show_snapshot("stats.regions.reverse()");
    const auto colour_of = [&](const std::string& selector) {
        return browser->run("return getComputedStyle(document.querySelector('" + selector +
                            "')).getPropertyValue('--c')");
    };
    EXPECT_EQ(colour_of("#regions tr[data-key=us-west] .toggle"), colour_of("#latency .series[data-region=us-west]"));
    EXPECT_NE(colour_of("#regions tr[data-key=us-west] .toggle"),
              colour_of("#regions tr[data-key=eu-central] .toggle"));
}

TEST_F(DashboardPage, ShowsHistoryFromBeforeItWasOpened) {
    send_calls(10);
    gateway.set_fault("us-west", {.kind = Kind::refuse});
    send_calls(1);
    open();
    EXPECT_TRUE(browser->eventually("document.querySelector('path.series[data-region=us-west], circle.r0')"));
    EXPECT_TRUE(browser->eventually("document.querySelector('.failover-mark[data-to=eu-central]')"));
}

TEST_F(DashboardPage, ShowsTheStateOfStableRegionsBesideAFlappingOne) {
    open();
    send_calls(1);
    ASSERT_TRUE(wait_until_current());
    show_snapshot(
        "forget(); stats.uptime_seconds = 200; stats.regions[1].liveness = 'healthy'; stats.changes = "
        "Array.from({length: 64}, (_, i) => ({region: 'us-west',"
        "at_ms: 120_000 + 1000 * i, liveness: i % 2 ? 'healthy' : 'down', breaker: 'closed', reason: ''}))");
    const auto bands = [&] {
        return elements("#states rect[data-region=eu-central]", "[e.dataset.state, Math.round(e.getBBox().width)]");
    };
    const auto width =
        browser->run("return document.getElementById('states').clientWidth - left - kRight").get<double>();
    ASSERT_EQ(bands().size(), 1U);
    EXPECT_EQ(bands()[0][0], "healthy") << "as in the table";
    EXPECT_NEAR(bands()[0][1].get<double>(), width * 80 / 300, 2) << "unchanged since the oldest reported change";
    EXPECT_LT(elements("#states rect[data-region=us-west]", "1").size(), 64U) << "bands that are too narrow are merged";

    show_snapshot("stats.uptime_seconds += 60; stats.changes.forEach((change) => change.at_ms += 64_000)");
    EXPECT_THAT(browser->run("moveTo(100); return document.getElementById('readout').textContent"),
                ::testing::HasSubstr("eu-central –, healthy"));
    show_snapshot("stats.uptime_seconds += 5000; stats.changes = []");
    ASSERT_EQ(bands().size(), 1U);
    EXPECT_EQ(bands()[0], (Json{"healthy", std::round(width)})) << "the last known state is kept";
}

TEST_F(DashboardPage, DistinguishesStatesWithoutColours) {
    for (const bool dark : {false, true}) {
        browser->set_screen(1280, 1400, dark);
        open();
        show_snapshot(
            "stats.uptime_seconds += 60; stats.changes = [];"
            "stats.regions = ['healthy', 'suspect', 'down', 'draining', 'unknown'].map((liveness) =>"
            "({...structuredClone(stats.regions[0]), id: 'in-' + liveness, liveness, history: []}))");
        show_snapshot("stats.uptime_seconds += 60");
        const auto styles = browser->run(R"(
            const channel = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
            const light = (colour) => {
                const [r, g, b] = colour.match(/[0-9.]+/g).map((v) => channel(v / 255));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            const card = light(getComputedStyle(document.querySelector('section')).backgroundColor);
            const style = (e) => {
                const {fill, stroke, strokeDasharray} = getComputedStyle(e), hollow = fill === 'none';
                return {shape: [e.getBBox().height, hollow, hollow && strokeDasharray].join(),
                        contrast: ratio(light(hollow ? stroke : fill), card)};
            };
            return ['healthy', 'suspect', 'down', 'draining', 'unknown'].map((state) => ({
                band: style(document.querySelector(`#states [data-region=in-${state}][data-state=${state}]`)),
                legend: style(document.querySelector(`.legend .${state}`))}));)");
        std::set<std::string> shapes;
        for (const auto& style : styles) {
            shapes.insert(style["band"]["shape"]);
            EXPECT_EQ(style["band"]["shape"], style["legend"]["shape"]);
            EXPECT_GE(style["band"]["contrast"].get<double>(), 3.0) << style;
        }
        EXPECT_EQ(shapes.size(), styles.size());
        browser->take_screenshot(std::string(ARTEFACTS "/dashboard-states-") + (dark ? "dark" : "light") + ".png");
    }
}

TEST_F(DashboardPage, AggregatesALongOutage) {
    open();
    send_calls(3);
    ASSERT_TRUE(wait_until_current());
    show_snapshot(R"(
        document.getElementById('span').value = '900';
        stats.uptime_seconds += 900;
        store.last.uptime_seconds = stats.uptime_seconds - 1;
        stats.regions = Array.from({length: 6}, (_, i) => ({...structuredClone(stats.regions[0]), id: 'region-' + i}));
        for (let at = stats.uptime_seconds * 1000 - 900_000; at < stats.uptime_seconds * 1000; at += 1000) {
            for (const {id, history} of stats.regions) {
                history.push({at_ms: at, latency_ms: 5, kind: 'first', http_status: 503, error: 'server_failed'});
                if (id !== 'region-0') store.failovers.push({from: 'region-0', to: id, cause: 'server_failed', at, count: 3});
            }
            store.rates.push({from: at, to: at + 1000, requests: 9, errors: 6});
        })");
    EXPECT_LT(browser->run("return document.querySelectorAll('#timeline svg *').length").get<int>(), 800);
    EXPECT_EQ(browser->run("return [...document.querySelectorAll('.failover-mark')]"
                           ".reduce((sum, mark) => sum + Number(mark.dataset.count), 0)"),
              900 * 5 * 3)
        << "every failover is counted";
    browser->run("moveTo(450)");
    const auto summary =
        browser->run("return document.getElementById('timeline').getAttribute('aria-valuetext')").get<std::string>();
    EXPECT_THAT(summary, ::testing::ContainsRegex(" 6[03] × region-0 → region-1 server_failed"));
    EXPECT_THAT(summary, ::testing::ContainsRegex("12[06] more on 2 other routes"));
    EXPECT_THAT(summary, ::testing::HasSubstr("9 requests/s, 6 errors/s"));
    EXPECT_LT(summary.size(), 500U);
}

TEST_F(DashboardPage, MovesTheCursorWithoutRedrawing) {
    open();
    send_calls(3);
    ASSERT_TRUE(wait_until_current());
    browser->run(R"(
        paused = true;
        document.querySelector('#latency .grid').id = 'drawn-before';
        const box = document.getElementById('latency').getBoundingClientRect();
        document.getElementById('timeline').dispatchEvent(
            new PointerEvent('pointermove', {clientX: (box.left + left + box.right - kRight) / 2, clientY: box.top + 9}));)");
    EXPECT_TRUE(
        browser->eventually("document.getElementById('timeline').getAttribute('aria-valuenow') === '-150' &&"
                            "document.querySelector('.cursor[visibility=visible]')"));
    EXPECT_TRUE(browser->eventually("document.getElementById('drawn-before')"));
}

TEST_F(DashboardPage, KeepsTheCursorAtTheTimeChosenByKeys) {
    open();
    send_calls(3);
    ASSERT_TRUE(wait_until_current());
    const auto seconds = [&] {
        return std::stoi(browser->run("return document.getElementById('timeline').getAttribute('aria-valuenow')")
                             .get<std::string>());
    };
    browser->run("paused = true; document.getElementById('timeline').focus()");
    browser->press({kLeft, kLeft});
    EXPECT_EQ(seconds(), -10);
    show_snapshot("stats.uptime_seconds += 7");
    EXPECT_EQ(seconds(), -17);
    browser->press({kRight});
    EXPECT_EQ(seconds(), -12);
    browser->press({kEscape});
    EXPECT_EQ(seconds(), 0);
}

TEST_F(DashboardPage, SupportsTheKeyboard) {
    open();
    send_calls(3);
    ASSERT_TRUE(wait_until_current());
    browser->run("document.body.focus()");
    std::vector<std::string> focused;
    for (int i = 0; i < 14; ++i) {
        browser->press({kTab});
        focused.push_back(
            browser->run("const e = document.activeElement; return e.id || e.title || e.className || e.textContent"));
    }
    EXPECT_THAT(focused,
                ::testing::IsSupersetOf({"span", "theme", "pause", "metric", "timeline", "draw its line, or not"}));

    browser->run("document.getElementById('timeline').focus()");
    browser->press({kLeft, kLeft});
    EXPECT_THAT(browser->run("return document.getElementById('timeline').getAttribute('aria-valuenow')"),
                ::testing::AnyOf("-10", "-11", "-12"))
        << "time passes meanwhile";
    EXPECT_THAT(browser->run("return document.getElementById('readout').textContent").get<std::string>(),
                ::testing::HasSubstr("us-west"));
    EXPECT_EQ(browser->run("return document.querySelectorAll('.cursor[visibility=visible]').length"), 3);
    browser->press({kHome});
    EXPECT_EQ(browser->run("return document.getElementById('timeline').getAttribute('aria-valuenow')"), "-300");
    browser->press({kRight, kEscape});
    EXPECT_EQ(browser->run("return document.getElementById('timeline').getAttribute('aria-valuetext')"), "now");

    browser->run("document.querySelector('#regions .toggle').focus()");
    browser->press({kSpace});
    EXPECT_EQ(browser->run("return document.querySelector('#regions .toggle').getAttribute('aria-pressed')"), "false");
    EXPECT_EQ(browser->run("return document.querySelectorAll('[data-region=us-west].series, circle.r0').length"), 0);
    // The page updates every second, which must not move the focus.
    send_calls(1);
    ASSERT_TRUE(wait_until_current());
    EXPECT_EQ(browser->run("return document.activeElement.className.includes('toggle')"), true);
    browser->press({kSpace});
    EXPECT_EQ(browser->run("return document.querySelector('#regions .toggle').getAttribute('aria-pressed')"), "true");

    browser->run("document.getElementById('pause').focus()");
    browser->press({kSpace});
    send_calls(1);
    std::this_thread::sleep_for(1500ms);
    EXPECT_EQ(browser->run("return document.querySelector('[data-field=calls]').textContent"), "4") << "paused";
    browser->press({kSpace});
    EXPECT_TRUE(wait_until_current());
}

TEST_F(DashboardPage, IsReadableInLightAndDarkAndOnAPhone) {
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 500, .times = 3});
    send_calls(60);
    send_calls(20, "deepseek-v3.2");
    // Minimum contrast of WCAG 2: 4.5 for text, 3 for graphics.
    const std::string contrasts = R"(
        const channel = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const light = (name) => {
            const probe = document.body.appendChild(document.createElement('i'));
            probe.style.color = `var(--${name})`;
            const [r, g, b] = getComputedStyle(probe).color.match(/[0-9.]+/g).map((v) => channel(v / 255));
            probe.remove();
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const of = (names) => Math.min(...names.map((name) => ratio(light(name), light('card'))));
        return {text: of(['ink', 'quiet', 'focus']), marks: of(['good', 'fair', 'bad', 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7'])};)";
    std::vector<std::string> backgrounds;
    for (const bool dark : {false, true}) {
        browser->set_screen(1280, 1400, dark);
        open();
        ASSERT_TRUE(wait_until_current());
        backgrounds.push_back(browser->run("return getComputedStyle(document.body).backgroundColor"));
        const auto contrast = browser->run(contrasts);
        EXPECT_GE(contrast["text"].get<double>(), 4.5) << (dark ? "dark" : "light");
        EXPECT_GE(contrast["marks"].get<double>(), 3.0) << (dark ? "dark" : "light");
        browser->take_screenshot(std::string(ARTEFACTS "/dashboard-") + (dark ? "dark" : "light") + ".png");
    }
    EXPECT_NE(backgrounds[0], backgrounds[1]);
    browser->run("const t = document.getElementById('theme'); t.value = 'light'; t.onchange()");
    EXPECT_EQ(browser->run("return getComputedStyle(document.body).backgroundColor"), backgrounds[0])
        << "the chosen theme";
    browser->reload();
    EXPECT_EQ(browser->run("return getComputedStyle(document.body).backgroundColor"), backgrounds[0])
        << "the choice is kept";

    browser->set_screen(360, 740, false);
    open();
    ASSERT_TRUE(wait_until_current());
    EXPECT_LE(browser->run("return document.documentElement.scrollWidth").get<int>(), 360) << "no horizontal scrolling";
    EXPECT_GE(browser->run("return parseFloat(getComputedStyle(document.body).fontSize)").get<double>(), 14);
    browser->take_screenshot(ARTEFACTS "/dashboard-phone.png");
    EXPECT_GT(std::filesystem::file_size(ARTEFACTS "/dashboard-phone.png"), 10'000U);
}

TEST_F(DashboardPage, SendsRequestsOnlyToItsServer) {
    open();
    EXPECT_TRUE(browser->eventually("performance.getEntriesByType('resource').length > 2"));
    EXPECT_EQ(browser->run("return performance.getEntriesByType('resource').map((e) => e.name)"
                           ".filter((name) => !name.startsWith(location.origin + '/') && !name.startsWith('data:'))"),
              Json::array());
}

TEST_F(DashboardPage, RemovesTheTokenFromTheAddress) {
    server.reset();
    start_program(0, {.token = "wool-0123456789abcdef"});
    open();
    EXPECT_EQ(browser->run("return location.search"), "");
    send_calls(1);
    EXPECT_TRUE(wait_until_current());
    browser->reload();
    EXPECT_TRUE(browser->eventually("document.getElementById('status').className === 'live'"));
    // Another program with another token takes the port.
    const auto port = server->port();
    outage = true;
    server.reset();
    start_program(port, {.token = "another-0123456789"});
    EXPECT_TRUE(browser->eventually("document.getElementById('status').textContent.includes('token')"));
}

}  // namespace
}  // namespace holysheep::browser
