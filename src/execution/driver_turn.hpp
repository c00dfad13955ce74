// The bracket around each event of a call.
#pragma once

#include <exception>
#include <utility>

#include "execution/driver.hpp"

namespace holysheep::execution {

// The outermost event ends with the timer set and, when all is over, with the driver's own destruction: nothing may be
// touched after it. A quiet one has changed nothing that the timer or the end depends on. One that an exception leaves
// settles nothing: whoever catches it calls `break_off`.
class CallDriver::Turn {
  public:
    enum class Kind { eventful, quiet };
    explicit Turn(CallDriver& driver, Kind kind = Kind::eventful) : driver_(driver) {
        ++driver_.depth_;
        if (kind == Kind::eventful) driver_.unsettled_ = true;
    }
    ~Turn() noexcept(false) {
        if (--driver_.depth_ != 0 || std::uncaught_exceptions() > exceptions_) return;
        if (std::exchange(driver_.unsettled_, false)) driver_.end_turn();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

  private:
    CallDriver& driver_;
    const int exceptions_ = std::uncaught_exceptions();
};

}  // namespace holysheep::execution
