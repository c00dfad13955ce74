// Holds the catalogue of a client, which every call reads and which may change while calls run.
#pragma once

#include <memory>
#include <mutex>

#include <holysheep/model_catalogue.hpp>

namespace holysheep::accounting {

/// Thread-safe. Readers keep an immutable snapshot; a change publishes a new one, so readers never wait for it.
class SharedCatalogue {
  public:
    explicit SharedCatalogue(ModelCatalogue first)
        : current_(std::make_shared<const ModelCatalogue>(std::move(first))) {}

    std::shared_ptr<const ModelCatalogue> get() const {
        std::lock_guard lock(mutex_);
        return current_;
    }
    void amend(const ModelCatalogue& over) {
        std::lock_guard changing(change_mutex_);
        auto next = *get();
        next.amend(over);
        auto published = std::make_shared<const ModelCatalogue>(std::move(next));
        std::lock_guard lock(mutex_);
        current_.swap(published);
    }

  private:
    std::mutex change_mutex_;   // serialises changes
    mutable std::mutex mutex_;  // guards current_
    std::shared_ptr<const ModelCatalogue> current_;
};

}  // namespace holysheep::accounting
