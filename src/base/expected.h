// Expected<T, E>: a value or the error that says why there is none; std::expected's interface as far as it is used here. Our own because
// clang before 19 cannot read the library's, and because an error is rare and large: it lies on the heap, so that a result is moved in a
// few words (docs/decisions/0026-result.md).
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace pintle {

template <class E>
class Unexpected {
 public:
  explicit Unexpected(E error) : error_(std::move(error)) {}
  const E& error() const& { return error_; }
  E& error() & { return error_; }
  E&& error() && { return std::move(error_); }

 private:
  E error_;
};

template <class T>
constexpr bool is_unexpected = false;
template <class E>
constexpr bool is_unexpected<Unexpected<E>> = true;

// A moved-from Expected may be assigned or destroyed only. Reading the value of a failure with * or ->, or the error of a success, is
// undefined; value() throws std::bad_optional_access.
template <class T, class E>
class [[nodiscard]] Expected {
 public:
  using value_type = T;
  using error_type = E;

  Expected()
    requires std::default_initializable<T>
      : value_(std::in_place) {}
  template <class U = T>
    requires(std::is_constructible_v<T, U> && !std::is_same_v<std::remove_cvref_t<U>, Expected> && !is_unexpected<std::remove_cvref_t<U>>)
  explicit(!std::is_convertible_v<U, T>) Expected(U&& value) : value_(std::in_place, std::forward<U>(value)) {}
  template <class F>
    requires std::is_constructible_v<E, F>
  Expected(Unexpected<F> failure) : error_(std::make_unique<E>(std::move(failure).error())) {}
  Expected(Expected&&) = default;
  Expected& operator=(Expected&&) = default;
  Expected(const Expected& other)
    requires(std::is_copy_constructible_v<T> && std::is_copy_constructible_v<E>)
      : value_(other.value_), error_(other.error_ ? std::make_unique<E>(*other.error_) : nullptr) {}
  Expected& operator=(const Expected& other)
    requires(std::is_copy_constructible_v<T> && std::is_copy_constructible_v<E>)
  {
    return *this = Expected(other);
  }

  bool has_value() const { return value_.has_value(); }
  explicit operator bool() const { return has_value(); }
  const T& operator*() const& { return *value_; }
  T& operator*() & { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  const T& value() const& { return value_.value(); }
  T& value() & { return value_.value(); }
  T&& value() && { return std::move(value_).value(); }
  const T* operator->() const { return &*value_; }
  T* operator->() { return &*value_; }
  template <class U>
  T value_or(U&& other) const& {
    return value_ ? *value_ : static_cast<T>(std::forward<U>(other));
  }
  template <class U>
  T value_or(U&& other) && {
    return value_ ? *std::move(value_) : static_cast<T>(std::forward<U>(other));
  }
  const E& error() const& { return *error_; }
  E& error() & { return *error_; }
  E&& error() && { return std::move(*error_); }

 private:
  std::optional<T> value_;
  std::unique_ptr<E> error_;
};

}  // namespace pintle
