// Detects use of an object in a child process: threads do not survive fork().
#pragma once

namespace holysheep::runtime {

/// Cheap enough for every call: reads an integer that a fork handler increments.
class ForkGuard {
  public:
    ForkGuard();
    bool in_child() const;

  private:
    unsigned generation_;
};

}  // namespace holysheep::runtime
