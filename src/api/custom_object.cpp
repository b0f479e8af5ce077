#include "api/custom_object.h"

#include <cstddef>

#include "api/type_ops.h"

namespace pintle::api {
namespace {

Field metadata_field() {
  Field field;
  field.name = "metadata";
  field.type = &type_of<meta_v1::ObjectMeta>();
  field.offset = offsetof(CustomObject, metadata);
  return field;
}

Type make_type() {
  static const Field fields[] = {metadata_field()};
  Type type;
  type.kind = Kind::Struct;
  type.name = "CustomObject";
  type.size = sizeof(CustomObject);
  type.fields = fields;
  type.rest_offset = offsetof(CustomObject, rest);
  type.value = &value_ops<CustomObject>;
  return type;
}

}  // namespace

template <>
const Type& type_of<CustomObject>() {
  static const Type type = make_type();
  return type;
}

}  // namespace pintle::api
