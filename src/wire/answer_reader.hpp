// Lends buffers for reading one chunk. They are needed only during the read, so thousands of streams share a few.
// JSON text → [answer_reader: answer_scan or answer_dom] → AnswerFields
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "wire/answer_dom.hpp"
#include "wire/answer_fields.hpp"

namespace holysheep::wire {

struct AnswerReader {
    AnswerFields fields{};
    std::string scratch{};
    AnswerDom dom{};
};

/// Borrows a reader from the thread's pool for the lifetime of this object. If a callback reads another stream on the
/// same thread meanwhile, that one borrows a different reader.
class BorrowedReader {
  public:
    /// For a text of `bytes`; memory for a huge text is released afterwards.
    explicit BorrowedReader(std::size_t bytes) : reader_(std::move(spare())), keep_(bytes <= kUsual) {
        if (!reader_) reader_ = std::make_unique<AnswerReader>();
    }
    ~BorrowedReader() {
        if (keep_) spare() = std::move(reader_);
    }
    BorrowedReader(const BorrowedReader&) = delete;
    BorrowedReader& operator=(const BorrowedReader&) = delete;
    AnswerReader* operator->() const { return reader_.get(); }

  private:
    static constexpr std::size_t kUsual = std::size_t{64} << 10U;
    static std::unique_ptr<AnswerReader>& spare() {
        thread_local std::unique_ptr<AnswerReader> spare;
        return spare;
    }
    std::unique_ptr<AnswerReader> reader_;
    bool keep_;
};

}  // namespace holysheep::wire
