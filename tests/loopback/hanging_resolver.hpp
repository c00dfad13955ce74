// A name service that never answers for names under hang.test, like one that has lost its network.
// libcurl → getaddrinfo → [HangingResolver]
#pragma once

namespace holysheep::loopback {

/// While an instance exists, look-ups of *.hang.test wait in the program's own getaddrinfo. Its destructor makes them
/// fail and waits for that. Only one instance at a time.
class HangingResolver {
  public:
    HangingResolver();
    ~HangingResolver();
    HangingResolver(const HangingResolver&) = delete;
    HangingResolver& operator=(const HangingResolver&) = delete;

    /// Waits until `count` look-ups hang; returns false if that takes too long.
    bool wait_for_lookups(int count) const;
};

}  // namespace holysheep::loopback
