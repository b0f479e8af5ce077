// Box<T>: an optional T on the heap with value semantics: copying a Box copies the T. It stands for Go's *T of a struct
// in the API types, keeps the owning struct small, and lets a type contain itself.
#pragma once

#include <memory>
#include <utility>

namespace pintle {

template <class T>
class Box {
 public:
  Box() = default;
  Box(std::nullptr_t) {}
  Box(T value) : ptr_(std::make_unique<T>(std::move(value))) {}
  Box(const Box& other) : ptr_(other.ptr_ ? std::make_unique<T>(*other.ptr_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) {
    if (this != &other) ptr_ = other.ptr_ ? std::make_unique<T>(*other.ptr_) : nullptr;
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;
  ~Box() = default;

  explicit operator bool() const { return ptr_ != nullptr; }
  bool has_value() const { return ptr_ != nullptr; }
  T& operator*() { return *ptr_; }
  const T& operator*() const { return *ptr_; }
  T* operator->() { return ptr_.get(); }
  const T* operator->() const { return ptr_.get(); }
  T* get() { return ptr_.get(); }
  const T* get() const { return ptr_.get(); }
  T& emplace() {
    ptr_ = std::make_unique<T>();
    return *ptr_;
  }
  // The value, made first if there is none.
  T& ensure() { return ptr_ ? *ptr_ : emplace(); }
  void reset() { ptr_.reset(); }

 private:
  std::unique_ptr<T> ptr_;
};

}  // namespace pintle
