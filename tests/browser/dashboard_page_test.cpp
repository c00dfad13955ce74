// The dashboard's page in a real browser, while regions break under the client it shows.
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

/// The value that a path such as "latency.p50_ms" names.
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
            GTEST_SKIP() << "chromedriver does not start here: a Chromium that is not a snap would enable it";
        }
        browser.emplace();
        browser->set_screen(1280, 1400, false);
        begin();
    }
    void TearDown() override {
        if (!browser) return;
        for (const auto& entry : browser->console()) {
            if (entry["level"] == "SEVERE" && entry["source"] != "network") ADD_FAILURE() << entry;
            if (entry["source"] == "network" && !outage) ADD_FAILURE() << entry;
        }
    }

    /// The program that is watched; again: another one, on the same port.
    void begin(std::uint16_t port = 0, DashboardServerOptions how = {}) {
        client.emplace(options);
        how.port = port;
        server.emplace([this] { return client->stats(); }, how);
    }
    void end() {
        server.reset();
        client.reset();
    }
    void open() {
        browser->open(server->url());
        ASSERT_TRUE(browser->comes_true("document.getElementById('status').className === 'live'"));
    }
    /// Until the page shows the client's last call.
    bool is_up_to_date() {
        return browser->comes_true("document.querySelector('[data-field=calls]').dataset.value === '" +
                                   std::to_string(client->stats().calls) + "'");
    }
    void ask(int times, const std::string& model = "gpt-4.1") {
        for (int i = 0; i < times; ++i) {
            auto request = question();
            request.model = model;
            request.include_usage = true;
            ASSERT_THAT(client->stream(request).finish(), IsOk());
        }
    }
    /// Gives the page a snapshot that `change` makes of the newest, `stats`; it asks for no other from then on.
    void show(const std::string& change) {
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
    bool outage = false;  // the page had nobody to ask for a while, which the browser tells the console by itself
};

TEST_F(DashboardPage, ShowsTheValuesOfTheSnapshot) {
    open();
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 503, .times = 2});
    ask(1'003);
    ask(7, "deepseek-v3.2");
    ask(1, "<b>no price</b>");
    ASSERT_TRUE(is_up_to_date());
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
        EXPECT_EQ(text, value.dump()) << field << ", as a reader sees it";
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

    const auto words = [&](const std::string& model, const std::string& field) {
        return elements("#models tr[data-key=\"" + model + "\"] [data-field=" + field + "]", "e.textContent")[0];
    };
    EXPECT_EQ(words("gpt-4.1", "calls"), "1,003");
    EXPECT_EQ(words("<b>no price</b>", "cost"), "unknown") << "never 0";
    EXPECT_EQ(browser->run("return document.querySelectorAll('main b').length"), 0) << "names are text";
}

TEST_F(DashboardPage, TellsWhatIsEstimatedAndUnknownOfACostAndKeepsCurrenciesApart) {
    open();
    ask(1);
    ASSERT_TRUE(is_up_to_date());
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
    show(models +
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
        << "the bars, too";

    show(models +
         "stats.models = [model('a', [usd(3), cny(50)], [], 0), model('b', [usd(1)], [], 0), model('c', [], [], 2)]");
    EXPECT_EQ(cost(), "$4.00 + CN¥50.00, without 2 calls of unknown cost");
    EXPECT_EQ(cells("a")[3], "75.0 % of USD100 % of CNY");
    EXPECT_EQ(cells("b")[3], "25.0 % of USD");
    EXPECT_EQ(cells("c"), (Json{"unknown", "–", "2", ""}));
    show(models + "stats.models = [model('c', [], [], 2)]");
    EXPECT_EQ(cost(), "unknown");
}

TEST_F(DashboardPage, ShowsNoFiguresOfARegionThatAreNotOfNowAndNoneThatCannotBe) {
    open();
    ask(1);
    ASSERT_TRUE(is_up_to_date());
    const auto cell = [&](const std::string& region, const std::string& field) {
        return browser->run("return document.querySelector('#regions tr[data-key=" + region + "] [data-field=\"" +
                            field + "\"]').textContent");
    };
    const auto latency = [&](const std::string& figures) {
        show(
            "Object.assign(stats.regions[0], {liveness: 'down', probe_ms: 12, weight: 1});"
            "Object.assign(stats.regions[1], {liveness: 'healthy', probe_ms: 12, weight: 1});"
            "stats.regions[0].latency = {min_ms: 90, p50_ms: 100, p95_ms: 139, " +
            figures + "}");
        return cell("us-west", "latency.p99_ms");
    };
    EXPECT_EQ(latency("count: 1000, average_ms: 141, p99_ms: 139, max_ms: 150"), "141 ms") << "the buckets' error";
    EXPECT_EQ(latency("count: 1000, average_ms: 500, p99_ms: 139, max_ms: 90000"), "139 ms") << "a few were far slower";
    EXPECT_EQ(latency("count: 60, average_ms: 120, p99_ms: 139, max_ms: 143"), "143 ms") << "the largest is known";
    EXPECT_EQ(cell("us-west", "probe_ms"), "–");
    EXPECT_EQ(cell("us-west", "weight"), "–");
    EXPECT_EQ(cell("eu-central", "probe_ms"), "12 ms");
    EXPECT_EQ(cell("eu-central", "weight"), "1");
}

TEST_F(DashboardPage, SaysOfAHealthyRegionThatItIsSlow) {
    open();
    ask(1);
    ASSERT_TRUE(is_up_to_date());
    const auto words = [&](const std::string& reason) {
        show("Object.assign(stats.regions[0], {liveness: 'healthy', breaker: 'closed', reason: '" + reason + "'})");
        return browser->run("return document.querySelector('#regions tr[data-key=us-west] small').textContent");
    };
    EXPECT_EQ(words("answers"), "");
    EXPECT_EQ(words("answers, far slower than usual"), "answers, far slower than usual");
    EXPECT_EQ(words("answers; asked for a pause (Retry-After)"), "") << "how long is told beside it, where it lasts";
}

TEST_F(DashboardPage, HasRoomForTheRegionsTableOnASmallLaptop) {
    open();
    ask(1);
    ASSERT_TRUE(is_up_to_date());
    show(R"(
        for (const region of stats.regions) {
            Object.assign(region, {id: 'ap-southeast-' + region.id.length, liveness: 'recovering', breaker: 'half_open',
                reason: 'no answer from probes for 12 s', attempts: 1234567, success_rate: 0.997, in_flight: 128,
                failovers_away: 12345, failovers_to: 12345, probe_ms: 1234, score: 100, weight: 0.5});
            region.latency = region.first_content = {count: 1e6, average_ms: 1141, min_ms: 1141, p50_ms: 1141, p95_ms: 4141,
                p99_ms: 5141, max_ms: 61141};
        })");
    const auto room = browser->run(
        "const wide = document.getElementById('regions').parentElement; return [wide.scrollWidth, wide.clientWidth]");
    EXPECT_LE(room[0].get<int>(), room[1].get<int>());
    browser->take_picture(ARTEFACTS "/dashboard-wide.png");
}

TEST_F(DashboardPage, MarksFailoversStatesAndErrorsWhileRegionsBreak) {
    options.health = {.unhealthy_interval = 100ms};
    options.breaker.open_for = 200ms;
    end();
    begin();
    open();
    ask(20);
    EXPECT_TRUE(browser->comes_true("document.querySelector('path.series[data-region=us-west]')"));
    gateway.set_fault("us-west", {.kind = Kind::refuse});
    ask(10);
    EXPECT_TRUE(browser->comes_true("document.querySelector('.failover-mark[data-from=us-west][data-to=eu-central]')"));
    EXPECT_TRUE(browser->comes_true("document.querySelector('#states rect[data-region=us-west][data-state=down]')"));
    EXPECT_TRUE(browser->comes_true("document.querySelector('#rates rect.errors')"));
    EXPECT_TRUE(browser->comes_true("document.querySelector('#regions td[data-value=down]')"));
    EXPECT_TRUE(browser->comes_true("document.getElementById('news').textContent.includes('us-west is down')"));
    browser->take_picture(ARTEFACTS "/dashboard-broken-region.png");

    gateway.revive("us-west");
    const auto recovers = [&] {
        ask(5);
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
    ask(5);
    ASSERT_TRUE(is_up_to_date());
    const auto port = server->port();
    outage = true;
    end();
    ASSERT_TRUE(browser->comes_true("document.getElementById('status').textContent.includes('no answer')"));
    EXPECT_EQ(browser->run("return document.querySelector('[data-field=calls]').textContent"), "5")
        << "the last word stays";
    begin(port);
    ask(2);
    ASSERT_TRUE(browser->comes_true("document.getElementById('status').className === 'live'"));
    EXPECT_TRUE(is_up_to_date());
    EXPECT_TRUE(browser->comes_true("document.getElementById('news').textContent.includes('started again')"));
    EXPECT_EQ(browser->run("return store.rates.every(({requests, errors}) => requests >= 0 && errors >= 0)"), true);
}

TEST_F(DashboardPage, SaysHowOldItIsWhileNobodyAnswersAndWhileItIsPaused) {
    open();
    ask(3);
    ASSERT_TRUE(is_up_to_date());
    const auto newest = [&] { return browser->run("return document.querySelector('#latency .newest').textContent"); };
    const auto status = [&] { return browser->run("return document.getElementById('status').textContent"); };
    EXPECT_EQ(newest(), "now");
    const auto port = server->port();
    outage = true;
    end();
    ASSERT_TRUE(browser->comes_true("document.getElementById('status').className === 'lost'"));
    EXPECT_THAT(newest().get<std::string>(), ::testing::EndsWith(" s ago"));
    const auto press = "document.getElementById('pause').click(); ";
    EXPECT_EQ(browser->run(press + std::string("return document.documentElement.className")), "stale");
    EXPECT_EQ(status(), "paused; last: no answer; trying again");
    EXPECT_EQ(browser->run("const e = document.getElementById('pause');"
                           "return [e.textContent, e.hasAttribute('aria-pressed')]"),
              (Json{"Go on", false}))
        << "one of the two, for both together say the opposite";
    EXPECT_EQ(browser->run(press + std::string("return document.getElementById('status').className")), "lost");
    begin(port);
    ASSERT_TRUE(browser->comes_true("document.getElementById('status').className === 'live'"));
    EXPECT_EQ(newest(), "now");
    EXPECT_EQ(browser->run(std::string("paused = true; showStatus();") + press +
                           "return document.getElementById('status').textContent"),
              "asking for news");
    ASSERT_TRUE(browser->comes_true("document.getElementById('status').className === 'live'"));

    // A server that takes the question and does not answer.
    browser->run("window.fetch = () => new Promise(() => {})");
    EXPECT_TRUE(browser->comes_true("document.documentElement.className === 'stale'"));
    EXPECT_EQ(status(), "no answer yet");
    EXPECT_TRUE(browser->comes_true("document.getElementById('age').textContent.startsWith('as of ')"));
}

TEST_F(DashboardPage, SeesARestartThatHappenedWhileItWasPaused) {
    open();
    ask(5);
    ASSERT_TRUE(is_up_to_date());
    browser->run("document.getElementById('pause').click()");
    const auto port = server->port();
    const auto before = client->stats().uptime;
    outage = true;
    end();
    begin(port);
    ask(2);
    while (client->stats().uptime < before) std::this_thread::sleep_for(50ms);
    browser->run("document.getElementById('pause').click()");
    EXPECT_TRUE(is_up_to_date());
    EXPECT_TRUE(browser->comes_true("document.getElementById('news').textContent.includes('started again')"));
    EXPECT_EQ(browser->run("return store.rates.every(({requests, errors}) => requests >= 0 && errors >= 0)"), true);
}

TEST_F(DashboardPage, TellsARestartFromASleepOfTheMachine) {
    open();
    ask(5);
    ASSERT_TRUE(is_up_to_date());
    const std::string a_minute_passes =
        "const time = Date.now() + 60_000; Date.now = () => time; stats.uptime_seconds += 20; stats.attempts += 9;";
    const auto restarts = [&] {
        return browser->run("return document.getElementById('news').textContent.split('started again').length - 1");
    };
    show(a_minute_passes);
    EXPECT_EQ(restarts(), 0) << "it remembers what it did: its clock stood still";
    show(a_minute_passes + "stats.changes = []; for (const region of stats.regions) region.history = [];");
    EXPECT_EQ(restarts(), 1) << "it did more than the one before, but began after that was last seen";
    EXPECT_EQ(browser->run("return store.rates.length"), 0);
}

TEST_F(DashboardPage, KeepsTheTablesColoursThoseOfTheChartsWhenRegionsComeInAnotherOrder) {
    open();
    ask(3);
    ASSERT_TRUE(is_up_to_date());
    show("stats.regions.reverse()");
    const auto colour_of = [&](const std::string& selector) {
        return browser->run("return getComputedStyle(document.querySelector('" + selector +
                            "')).getPropertyValue('--c')");
    };
    EXPECT_EQ(colour_of("#regions tr[data-key=us-west] .toggle"), colour_of("#latency .series[data-region=us-west]"));
    EXPECT_NE(colour_of("#regions tr[data-key=us-west] .toggle"),
              colour_of("#regions tr[data-key=eu-central] .toggle"));
}

TEST_F(DashboardPage, ShowsWhatWasBeforeItWasOpened) {
    ask(10);
    gateway.set_fault("us-west", {.kind = Kind::refuse});
    ask(1);
    open();
    EXPECT_TRUE(browser->comes_true("document.querySelector('path.series[data-region=us-west], circle.r0')"));
    EXPECT_TRUE(browser->comes_true("document.querySelector('.failover-mark[data-to=eu-central]')"));
}

TEST_F(DashboardPage, ShowsTheStateOfQuietRegionsBesideOneThatFlaps) {
    open();
    ask(1);
    ASSERT_TRUE(is_up_to_date());
    show(
        "forget(); stats.uptime_seconds = 200; stats.regions[1].liveness = 'healthy'; stats.changes = "
        "Array.from({length: 64}, (_, i) => ({region: 'us-west',"
        "at_ms: 120_000 + 1000 * i, liveness: i % 2 ? 'healthy' : 'down', breaker: 'closed', reason: ''}))");
    const auto bands = [&] {
        return elements("#states rect[data-region=eu-central]", "[e.dataset.state, Math.round(e.getBBox().width)]");
    };
    const auto width =
        browser->run("return document.getElementById('states').clientWidth - left - kRight").get<double>();
    ASSERT_EQ(bands().size(), 1U);
    EXPECT_EQ(bands()[0][0], "healthy") << "as the table says";
    EXPECT_NEAR(bands()[0][1].get<double>(), width * 80 / 300, 2) << "it did not change since the oldest change told";
    EXPECT_LT(elements("#states rect[data-region=us-west]", "1").size(), 64U) << "no more than can be seen";

    show("stats.uptime_seconds += 60; stats.changes.forEach((change) => change.at_ms += 64_000)");
    EXPECT_THAT(browser->run("moveTo(100); return document.getElementById('readout').textContent"),
                ::testing::HasSubstr("eu-central –, healthy"));
    show("stats.uptime_seconds += 5000; stats.changes = []");
    ASSERT_EQ(bands().size(), 1U);
    EXPECT_EQ(bands()[0], (Json{"healthy", std::round(width)})) << "what it last became is not forgotten";
}

TEST_F(DashboardPage, TellsStatesApartWithoutColours) {
    for (const bool dark : {false, true}) {
        browser->set_screen(1280, 1400, dark);
        open();
        show(
            "stats.uptime_seconds += 60; stats.changes = [];"
            "stats.regions = ['healthy', 'suspect', 'down', 'draining', 'unknown'].map((liveness) =>"
            "({...structuredClone(stats.regions[0]), id: 'in-' + liveness, liveness, history: []}))");
        show("stats.uptime_seconds += 60");
        const auto looks = browser->run(R"(
            const channel = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
            const light = (colour) => {
                const [r, g, b] = colour.match(/[0-9.]+/g).map((v) => channel(v / 255));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            const card = light(getComputedStyle(document.querySelector('section')).backgroundColor);
            const look = (e) => {
                const {fill, stroke, strokeDasharray} = getComputedStyle(e), hollow = fill === 'none';
                return {shape: [e.getBBox().height, hollow, hollow && strokeDasharray].join(),
                        contrast: ratio(light(hollow ? stroke : fill), card)};
            };
            return ['healthy', 'suspect', 'down', 'draining', 'unknown'].map((state) => ({
                band: look(document.querySelector(`#states [data-region=in-${state}][data-state=${state}]`)),
                legend: look(document.querySelector(`.legend .${state}`))}));)");
        std::set<std::string> shapes;
        for (const auto& look : looks) {
            shapes.insert(look["band"]["shape"]);
            EXPECT_EQ(look["band"]["shape"], look["legend"]["shape"]);
            EXPECT_GE(look["band"]["contrast"].get<double>(), 3.0) << look;
        }
        EXPECT_EQ(shapes.size(), looks.size());
        browser->take_picture(std::string(ARTEFACTS "/dashboard-states-") + (dark ? "dark" : "light") + ".png");
    }
}

TEST_F(DashboardPage, DrawsALongOutageInPartsAndTellsItInFewWords) {
    open();
    ask(3);
    ASSERT_TRUE(is_up_to_date());
    show(R"(
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
        << "none is lost";
    browser->run("moveTo(450)");
    const auto words =
        browser->run("return document.getElementById('timeline').getAttribute('aria-valuetext')").get<std::string>();
    EXPECT_THAT(words, ::testing::ContainsRegex(" 6[03] × region-0 → region-1 server_failed"));
    EXPECT_THAT(words, ::testing::ContainsRegex("12[06] more on 2 other routes"));
    EXPECT_THAT(words, ::testing::HasSubstr("9 requests/s, 6 errors/s"));
    EXPECT_LT(words.size(), 500U);
}

TEST_F(DashboardPage, MovesTheCursorWithoutDrawingAgain) {
    open();
    ask(3);
    ASSERT_TRUE(is_up_to_date());
    browser->run(R"(
        paused = true;
        document.querySelector('#latency .grid').id = 'drawn-before';
        const box = document.getElementById('latency').getBoundingClientRect();
        document.getElementById('timeline').dispatchEvent(
            new PointerEvent('pointermove', {clientX: (box.left + left + box.right - kRight) / 2, clientY: box.top + 9}));)");
    EXPECT_TRUE(
        browser->comes_true("document.getElementById('timeline').getAttribute('aria-valuenow') === '-150' &&"
                            "document.querySelector('.cursor[visibility=visible]')"));
    EXPECT_TRUE(browser->comes_true("document.getElementById('drawn-before')"));
}

TEST_F(DashboardPage, KeepsTheCursorOnTheMomentThatKeysChose) {
    open();
    ask(3);
    ASSERT_TRUE(is_up_to_date());
    const auto seconds = [&] {
        return std::stoi(browser->run("return document.getElementById('timeline').getAttribute('aria-valuenow')")
                             .get<std::string>());
    };
    browser->run("paused = true; document.getElementById('timeline').focus()");
    browser->press({kLeft, kLeft});
    EXPECT_EQ(seconds(), -10);
    show("stats.uptime_seconds += 7");
    EXPECT_EQ(seconds(), -17);
    browser->press({kRight});
    EXPECT_EQ(seconds(), -12);
    browser->press({kEscape});
    EXPECT_EQ(seconds(), 0);
}

TEST_F(DashboardPage, CanBeUsedByTheKeyboard) {
    open();
    ask(3);
    ASSERT_TRUE(is_up_to_date());
    browser->run("document.body.focus()");
    std::vector<std::string> reached;
    for (int i = 0; i < 14; ++i) {
        browser->press({kTab});
        reached.push_back(
            browser->run("const e = document.activeElement; return e.id || e.title || e.className || e.textContent"));
    }
    EXPECT_THAT(reached,
                ::testing::IsSupersetOf({"span", "theme", "pause", "metric", "timeline", "draw its line, or not"}));

    browser->run("document.getElementById('timeline').focus()");
    browser->press({kLeft, kLeft});
    EXPECT_THAT(browser->run("return document.getElementById('timeline').getAttribute('aria-valuenow')"),
                ::testing::AnyOf("-10", "-11", "-12"))
        << "time goes on";
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
    // News comes every second, and must not take the focus away.
    ask(1);
    ASSERT_TRUE(is_up_to_date());
    EXPECT_EQ(browser->run("return document.activeElement.className.includes('toggle')"), true);
    browser->press({kSpace});
    EXPECT_EQ(browser->run("return document.querySelector('#regions .toggle').getAttribute('aria-pressed')"), "true");

    browser->run("document.getElementById('pause').focus()");
    browser->press({kSpace});
    ask(1);
    std::this_thread::sleep_for(1500ms);
    EXPECT_EQ(browser->run("return document.querySelector('[data-field=calls]').textContent"), "4") << "it rests";
    browser->press({kSpace});
    EXPECT_TRUE(is_up_to_date());
}

TEST_F(DashboardPage, IsReadableInLightAndDarkAndOnAPhone) {
    gateway.set_fault("us-west", {.kind = Kind::status, .status = 500, .times = 3});
    ask(60);
    ask(20, "deepseek-v3.2");
    // WCAG 2: 4.5 for text, 3 for lines and marks.
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
    std::vector<std::string> grounds;
    for (const bool dark : {false, true}) {
        browser->set_screen(1280, 1400, dark);
        open();
        ASSERT_TRUE(is_up_to_date());
        grounds.push_back(browser->run("return getComputedStyle(document.body).backgroundColor"));
        const auto contrast = browser->run(contrasts);
        EXPECT_GE(contrast["text"].get<double>(), 4.5) << (dark ? "dark" : "light");
        EXPECT_GE(contrast["marks"].get<double>(), 3.0) << (dark ? "dark" : "light");
        browser->take_picture(std::string(ARTEFACTS "/dashboard-") + (dark ? "dark" : "light") + ".png");
    }
    EXPECT_NE(grounds[0], grounds[1]);
    browser->run("const t = document.getElementById('theme'); t.value = 'light'; t.onchange()");
    EXPECT_EQ(browser->run("return getComputedStyle(document.body).backgroundColor"), grounds[0]) << "as one chooses";
    browser->reload();
    EXPECT_EQ(browser->run("return getComputedStyle(document.body).backgroundColor"), grounds[0]) << "and it stays";

    browser->set_screen(360, 740, false);
    open();
    ASSERT_TRUE(is_up_to_date());
    EXPECT_LE(browser->run("return document.documentElement.scrollWidth").get<int>(), 360) << "nothing sticks out";
    EXPECT_GE(browser->run("return parseFloat(getComputedStyle(document.body).fontSize)").get<double>(), 14);
    browser->take_picture(ARTEFACTS "/dashboard-phone.png");
    EXPECT_GT(std::filesystem::file_size(ARTEFACTS "/dashboard-phone.png"), 10'000U);
}

TEST_F(DashboardPage, AsksItsOwnServerAlone) {
    open();
    EXPECT_TRUE(browser->comes_true("performance.getEntriesByType('resource').length > 2"));
    EXPECT_EQ(browser->run("return performance.getEntriesByType('resource').map((e) => e.name)"
                           ".filter((name) => !name.startsWith(location.origin + '/') && !name.startsWith('data:'))"),
              Json::array());
}

TEST_F(DashboardPage, TakesTheTokenOutOfTheAddress) {
    server.reset();
    begin(0, {.token = "wool-0123456789abcdef"});
    open();
    EXPECT_EQ(browser->run("return location.search"), "");
    ask(1);
    EXPECT_TRUE(is_up_to_date());
    browser->reload();
    EXPECT_TRUE(browser->comes_true("document.getElementById('status').className === 'live'"));
    // Another program took the port, with a token of its own.
    const auto port = server->port();
    outage = true;
    server.reset();
    begin(port, {.token = "another-0123456789"});
    EXPECT_TRUE(browser->comes_true("document.getElementById('status').textContent.includes('token')"));
}

}  // namespace
}  // namespace holysheep::browser
