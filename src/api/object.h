// Object: an owned value of any generated type, known by its descriptor. A temporary: decoded from bytes, changed,
// encoded again. Copying it copies the value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "api/type.h"
#include "base/check.h"

namespace pintle::api {

class Object {
 public:
  Object() = default;
  explicit Object(const Type& type);  // a default value
  template <class T>
  static Object of(T value) {
    Object object(type_of<T>());
    object.as<T>() = std::move(value);
    return object;
  }
  Object(const Object& other);
  Object(Object&& other) noexcept : type_(std::exchange(other.type_, nullptr)), data_(std::exchange(other.data_, nullptr)) {}
  Object& operator=(const Object& other);
  Object& operator=(Object&& other) noexcept;
  ~Object();

  explicit operator bool() const { return data_ != nullptr; }
  const Type& type() const { return *type_; }
  void* data() { return data_; }
  const void* data() const { return data_; }
  template <class T>
  bool is() const {
    return type_ == &type_of<T>();
  }
  template <class T>
  T& as() {
    CHECK(is<T>(), "object is of another type");
    return *static_cast<T*>(data_);
  }
  template <class T>
  const T& as() const {
    return const_cast<Object*>(this)->as<T>();
  }

 private:
  const Type* type_ = nullptr;
  void* data_ = nullptr;
};

}  // namespace pintle::api
