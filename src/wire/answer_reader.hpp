// Buffers for reading one chunk. They are needed only meanwhile, so thousands of streams share a few.
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

/// One for as long as this lives, from those that the thread has. Another stream may be read meanwhile on the same
/// thread, in a callback of this one: it gets another.
class BorrowedReader {
  public:
    /// For a text of `bytes`; memory for a huge one is released afterwards.
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
