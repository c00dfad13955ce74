// A value or an Error, with the interface of C++23's std::expected.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include <holysheep/error.hpp>

namespace holysheep {
inline namespace v0 {

/// `if (result) use(*result); else report(result.error());` Accessing the alternative that is not present is undefined
/// behaviour, as with std::expected; `value()` throws `Exception` instead.
template <class T>
class [[nodiscard]] Result {
  public:
    using value_type = T;
    using error_type = Error;

    /// Implicit, so that functions can return a value or an Error.
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    /// Whether there is a value.
    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The value; there must be one.
    T& operator*() & { return *std::get_if<0>(&state_); }
    const T& operator*() const& { return *std::get_if<0>(&state_); }
    T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
    T* operator->() { return std::get_if<0>(&state_); }
    const T* operator->() const { return std::get_if<0>(&state_); }

    /// The value; throws `Exception` if there is none.
    T& value() & { return has_value() ? **this : throw Exception(error()); }
    const T& value() const& { return has_value() ? **this : throw Exception(error()); }
    T value() && {
        if (!has_value()) throw Exception(error());
        return std::move(*std::get_if<0>(&state_));
    }
    /// The value, or `fallback` if there is none.
    template <class U>
    T value_or(U&& fallback) const& {
        return has_value() ? **this : static_cast<T>(std::forward<U>(fallback));
    }
    template <class U>
    T value_or(U&& fallback) && {
        return has_value() ? std::move(*std::get_if<0>(&state_)) : static_cast<T>(std::forward<U>(fallback));
    }

    /// The error; there must be one.
    Error& error() & { return *std::get_if<1>(&state_); }
    const Error& error() const& { return *std::get_if<1>(&state_); }
    Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

  private:
    std::variant<T, Error> state_;
};

/// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
  public:
    using value_type = void;
    using error_type = Error;

    /// Success.
    Result() = default;
    /// Implicit, so that functions can return an Error.
    Result(Error error) : error_(std::move(error)) {}

    /// Whether it is a success.
    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }
    void operator*() const noexcept {}
    /// Throws `Exception` if it is an error.
    void value() const {
        if (error_) throw Exception(*error_);
    }
    /// The error; there must be one.
    const Error& error() const { return *error_; }

  private:
    std::optional<Error> error_{};
};

}  // namespace v0
}  // namespace holysheep
