// Which key a request uses, and when the callback is called for one.
#include "execution/keys.hpp"

#include <gtest/gtest.h>

namespace holysheep::execution {
namespace {

constexpr Clock::time_point kNow{std::chrono::hours(1)};

TEST(Keys, AreNotAppliedToARegionWithItsOwnKey) {
    const Keys keys({"sk-a"}, {0, 77}, {});
    EXPECT_TRUE(keys.from_ring(0));
    EXPECT_FALSE(keys.from_ring(1));
    EXPECT_EQ(keys.text(0, 0), "sk-a");
    EXPECT_EQ(keys.text(1, 0), "");
    EXPECT_EQ(keys.account(1, 0), 77U);
    EXPECT_EQ(keys.usual(0, kNow), "sk-a");
}

TEST(Keys, CountOneAccountWithAndWithoutItsScheme) {
    EXPECT_EQ(account_of("Bearer sk-a"), account_of("sk-a"));
    EXPECT_NE(account_of("sk-a"), account_of("sk-b"));
    EXPECT_NE(account_of("sk-a"), kFetchedAccount);
}

struct FetchedKeys {
    int fetches = 0, ready = 0;
    std::string problem{};
    Keys keys{{}, {0}, [this] { ++fetches; }};
    bool must_wait() {
        return keys.must_wait([this](const std::string& why) {
            ++ready;
            problem = why;
        });
    }
};

TEST(FetchedKeys, AreFetchedOnceForAllWaiters) {
    FetchedKeys fetched;
    EXPECT_TRUE(fetched.must_wait());
    EXPECT_TRUE(fetched.must_wait());
    EXPECT_EQ(fetched.fetches, 1);
    fetched.keys.on_key("sk-new", "");
    EXPECT_EQ(fetched.ready, 2);
    EXPECT_FALSE(fetched.must_wait());
    EXPECT_EQ(fetched.keys.text(0, 0), "sk-new");
}

TEST(FetchedKeys, ReportWhyThereIsNone) {
    FetchedKeys fetched;
    fetched.must_wait();
    fetched.keys.on_key("", "it threw");
    EXPECT_EQ(fetched.problem, "it threw");
    EXPECT_FALSE(fetched.keys.known());
    EXPECT_TRUE(fetched.must_wait());
    EXPECT_EQ(fetched.fetches, 2);
}

TEST(FetchedKeys, AreRenewedOncePerRefusedVersion) {
    FetchedKeys fetched;
    fetched.must_wait();
    fetched.keys.on_key("sk-old", "");
    const auto version = fetched.keys.version();
    EXPECT_TRUE(fetched.keys.renew(version));
    EXPECT_FALSE(fetched.keys.known());
    fetched.must_wait();
    fetched.keys.on_key("sk-new", "");
    fetched.keys.renew(version);  // another call's key was refused
    EXPECT_TRUE(fetched.keys.known());
}

}  // namespace
}  // namespace holysheep::execution
