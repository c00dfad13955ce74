// Frees the memory of a value that is kept. Assigning `{}` does not: strings and vectors keep their buffers.
#pragma once

#include <utility>

namespace holysheep {

template <class Value>
void release_memory(Value& value) {
    const Value gone = std::exchange(value, Value{});
}

}  // namespace holysheep
