// Gives back the memory of a value that lives on. Assigning `{}` does not: a string and a vector keep their buffers.
#pragma once

#include <utility>

namespace holysheep {

template <class Value>
void release_memory(Value& value) {
    const Value gone = std::exchange(value, Value{});
}

}  // namespace holysheep
