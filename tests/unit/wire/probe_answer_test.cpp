// Which 200 answers to a probe count as a gateway's.
#include "wire/probe_answer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holysheep::wire {
namespace {

TEST(ProbeAnswer, IsNeitherAnHtmlPageNorAnError) {
    for (const std::string_view body :
         {"", " ", "ok", R"({"object":"list","data":[]})", R"([{"id":"m"}])", R"({"status":"ok","message":"alive"})",
          R"({"choices":[{"message":{"content":"a"}}]})", R"({"error":null,"data":[]})", R"({"error":"","data":[]})"}) {
        EXPECT_TRUE(is_probe_answer(body, true)) << body;
    }
    for (const std::string_view body :
         {"<!doctype html><title>Log in</title>", " \n<html>", R"({"error":"Unexpected endpoint or method."})",
          R"({"error":{"message":"m"}})", R"([{"error":{"code":500}}])", R"({"type":"error","message":"m"})",
          R"({"object":"error","message":"m"})"}) {
        EXPECT_FALSE(is_probe_answer(body, true)) << body;
    }
}

TEST(ProbeAnswer, TruncatedIsJudgedByItsBeginning) {
    EXPECT_TRUE(is_probe_answer(R"({"object":"list","data":[{"id":"err)", false));
    EXPECT_TRUE(is_probe_answer(R"({"error":null,"data":[)", false));
    EXPECT_FALSE(is_probe_answer(R"({"error":{"message":"a long st)", false));
    EXPECT_FALSE(is_probe_answer("<html", false));
}

}  // namespace
}  // namespace holysheep::wire
