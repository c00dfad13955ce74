// What passes between a socket's owner, the loop and its poller.
#pragma once

namespace holysheep::runtime {

/// What a socket is watched for, and what it became ready for.
struct Readiness {
    bool readable = false, writable = false;
    friend bool operator==(const Readiness&, const Readiness&) = default;
};

}  // namespace holysheep::runtime
