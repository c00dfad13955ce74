// A name service that never answers for names under hang.test, as one that lost its network would.
// libcurl → getaddrinfo → [HangingResolver]
#pragma once

namespace holysheep::loopback {

/// While one exists, look-ups of *.hang.test wait in the program's own getaddrinfo; at its end they fail, and it waits
/// until they have. One at a time.
class HangingResolver {
  public:
    HangingResolver();
    ~HangingResolver();
    HangingResolver(const HangingResolver&) = delete;
    HangingResolver& operator=(const HangingResolver&) = delete;

    /// Until so many look-ups hang; false when that takes too long.
    bool wait_for_lookups(int count) const;
};

}  // namespace holysheep::loopback
