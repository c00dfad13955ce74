// GoogleMock matchers for results. The only header of the test kit that requires GoogleMock.
// test → EXPECT_THAT(result, [IsOk() | FailsWith(code)])
#pragma once

#include <gmock/gmock.h>

#include <holysheep/error.hpp>
#include <holysheep/error_code.hpp>

namespace holysheep {
inline namespace v0 {
namespace testing {

/// Matches a `Result` that holds a value; a mismatch prints the error.
MATCHER(IsOk, negation ? "is an error" : "is a value") {
    if (arg.has_value()) return true;
    *result_listener << "which is the error: " << arg.error();
    return false;
}

/// Matches a `Result` that failed with the given code; a mismatch prints the actual result.
MATCHER_P(FailsWith, code, negation ? "does not fail as expected" : "fails as expected") {
    if (arg.has_value()) {
        *result_listener << "which is a value, not " << code;
        return false;
    }
    *result_listener << "which is the error: " << arg.error();
    return arg.error().code == code;
}

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
