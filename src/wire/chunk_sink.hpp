// Receives the events of a stream while it is decoded.
// chunk_accumulator, stream_decoder → [ChunkSink] → call
#pragma once

#include <holysheep/chat_completion.hpp>

namespace holysheep::wire {

class ChunkSink {
  public:
    virtual ~ChunkSink();
    /// The following events belong to another chunk, with another `raw_json`.
    virtual void on_wire_chunk() {}
    /// The views of the chunk are valid until this returns.
    virtual void on_chunk(const ChatChunk& chunk) = 0;
};

}  // namespace holysheep::wire
