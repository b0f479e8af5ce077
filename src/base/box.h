// Box<T>: an optional T on the heap with value semantics: copying a Box copies the T. It stands for Go's *T of a struct
// in the API types, keeps the owning struct small, and lets a type contain itself. It owns a plain pointer: the API types have a hundred
// kinds of Box, and a unique_ptr inside tripled the time that a file spends on their header.
#pragma once

#include <cstddef>
#include <utility>

namespace pintle {

template <class T>
class Box {
 public:
  Box() = default;
  Box(std::nullptr_t) {}
  Box(T value) : ptr_(new T(std::move(value))) {}
  Box(const Box& other) : ptr_(other.ptr_ ? new T(*other.ptr_) : nullptr) {}
  Box(Box&& other) noexcept : ptr_(std::exchange(other.ptr_, nullptr)) {}
  Box& operator=(const Box& other) {
    if (this != &other) *this = Box(other);
    return *this;
  }
  // `other` may be a part of the value that this one has.
  Box& operator=(Box&& other) noexcept {
    destroy(std::exchange(ptr_, std::exchange(other.ptr_, nullptr)));
    return *this;
  }
  ~Box() { destroy(ptr_); }

  explicit operator bool() const { return ptr_ != nullptr; }
  bool has_value() const { return ptr_ != nullptr; }
  T& operator*() { return *ptr_; }
  const T& operator*() const { return *ptr_; }
  T* operator->() { return ptr_; }
  const T* operator->() const { return ptr_; }
  T* get() { return ptr_; }
  const T* get() const { return ptr_; }
  T& emplace() {
    destroy(std::exchange(ptr_, new T()));
    return *ptr_;
  }
  // The value, made first if there is none.
  T& ensure() { return ptr_ ? *ptr_ : emplace(); }
  void reset() { destroy(std::exchange(ptr_, nullptr)); }

 private:
  static void destroy(T* value) {
    static_assert(sizeof(T) > 0, "a Box is destroyed where its type is known");
    delete value;
  }
  T* ptr_ = nullptr;
};

}  // namespace pintle
