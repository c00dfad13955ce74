// Tells the call machine which regions have room for a call now. A query acquires nothing.
// Admission → [RoomView] → CallMachine
#pragma once

#include <cstddef>

#include "call/policy.hpp"

namespace holysheep::call {

class RoomView {
  public:
    /// Whether the region takes one more request of this call.
    virtual bool has_room(std::size_t region, values::ModelId model, time_point now) const = 0;
    /// Whether the region has answered other requests with the call's key within the last seconds.
    virtual bool is_served(std::size_t region, values::ModelId model, time_point now) const = 0;

  protected:
    RoomView() = default;
    RoomView(const RoomView&) = default;
    RoomView& operator=(const RoomView&) = default;
    ~RoomView() = default;
};

}  // namespace holysheep::call
