// A scope guard around the handling of each event of a call.
#pragma once

#include <exception>
#include <utility>

#include "execution/driver.hpp"

namespace holysheep::execution {

// When the outermost guard ends, it sets the timer and, if the call is over, destroys the driver: nothing may be
// touched after it. A quiet guard marks an event that cannot affect the timer or the end. If an exception leaves the
// scope, the guard does nothing: the code that catches it calls `abort`.
class CallDriver::EventScope {
  public:
    enum class Kind { eventful, quiet };
    explicit EventScope(CallDriver& driver, Kind kind = Kind::eventful) : driver_(driver) {
        ++driver_.depth_;
        if (kind == Kind::eventful) driver_.unsettled_ = true;
    }
    ~EventScope() noexcept(false) {
        if (--driver_.depth_ != 0 || std::uncaught_exceptions() > exceptions_) return;
        if (std::exchange(driver_.unsettled_, false)) driver_.settle();
    }
    EventScope(const EventScope&) = delete;
    EventScope& operator=(const EventScope&) = delete;

  private:
    CallDriver& driver_;
    const int exceptions_ = std::uncaught_exceptions();
};

}  // namespace holysheep::execution
