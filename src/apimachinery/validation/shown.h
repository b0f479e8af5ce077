// Values of several fields as errors show them: as JSON, which is how upstream prints what is neither a number nor a text.
#pragma once

#include "api/codec.h"
#include "api/gen/meta_v1.h"
#include "apimachinery/validation/field_errors.h"
#include "base/box.h"
#include "base/flat_map.h"

namespace pintle::apimachinery {

BadValue shown_object(const api::Type& type, const void* value);
template <class T>
BadValue shown(const T& value) {
  return shown_object(api::type_of<T>(), &value);
}
// "null" where there is none.
template <class T>
BadValue shown(const Box<T>& value) {
  return value ? shown(*value) : BadValue(nullptr);
}
// Labels and their like.
BadValue shown(const FlatMap<std::string>& values);

}  // namespace pintle::apimachinery
