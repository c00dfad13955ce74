// Tells whether this process is still the one that made an object: threads do not survive fork().
#pragma once

namespace holysheep::runtime {

/// Cheap enough for every call: reads one integer that a fork handler changes.
class ForkGuard {
  public:
    ForkGuard();
    bool in_child() const;

  private:
    unsigned generation_;
};

}  // namespace holysheep::runtime
