// The page as text: its placeholders are filled in, and it loads nothing from other hosts.
#include "dashboard/page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace holysheep::dashboard {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(DashboardPage, FillsInTitleNonceAndEveryPlaceholder) {
    const auto text = page("sheep & \"goats\" <b>", "n0nce");
    EXPECT_THAT(text, AllOf(HasSubstr("<title>sheep &amp; &quot;goats&quot; &lt;b&gt;</title>"),
                            HasSubstr("<style nonce=\"n0nce\">"), HasSubstr("<script nonce=\"n0nce\">")));
    for (const auto* place : {"@title@", "@nonce@", "@style@", "@script@"}) EXPECT_THAT(text, Not(HasSubstr(place)));
}

TEST(DashboardPage, DoesNotExpandPlaceholdersInTitles) {
    EXPECT_THAT(page("@nonce@", "secret"), HasSubstr("<title>@nonce@</title>"));
}

TEST(DashboardPage, ReferencesNoOtherServer) {
    const auto text = std::string(page_template());
    const std::regex address("https?://[^'\"` )]+");
    for (auto it = std::sregex_iterator(text.begin(), text.end(), address); it != std::sregex_iterator(); ++it) {
        EXPECT_EQ(it->str(), "http://www.w3.org/2000/svg") << "an XML namespace, not a request";
    }
    EXPECT_THAT(text, Not(HasSubstr("innerHTML"))) << "snapshot data must not be parsed as HTML";
}

}  // namespace
}  // namespace holysheep::dashboard
