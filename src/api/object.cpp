#include "api/object.h"

#include <new>

namespace pintle::api {
namespace {

void* allocate(const Type& type) {
  CHECK(type.value != nullptr && type.size > 0, "type has no value operations");
  return ::operator new(type.size);
}

}  // namespace

Object::Object(const Type& type) : type_(&type), data_(allocate(type)) { type.value->construct(data_); }

Object::Object(const Object& other) : type_(other.type_) {
  if (other.data_ == nullptr) return;
  data_ = allocate(*type_);
  type_->value->copy(data_, other.data_);
}

Object& Object::operator=(const Object& other) {
  if (this != &other) *this = Object(other);
  return *this;
}

Object& Object::operator=(Object&& other) noexcept {
  std::swap(type_, other.type_);
  std::swap(data_, other.data_);
  return *this;
}

Object::~Object() {
  if (data_ == nullptr) return;
  type_->value->destroy(data_);
  ::operator delete(data_, type_->size);
}

}  // namespace pintle::api
