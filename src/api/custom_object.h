// CustomObject: an object of a custom resource: metadata as every object has it, and a document for the rest, which its definition's schema
// describes. It travels as JSON alone.
#pragma once

#include "api/gen/meta_v1.h"
#include "api/rest.h"

namespace pintle::api {

struct CustomObject {
  meta_v1::ObjectMeta metadata;
  Rest rest;  // without apiVersion, kind and metadata
};

// Of every custom kind: which one an object is of, its resource says, never its type.
template <>
const Type& type_of<CustomObject>();

}  // namespace pintle::api
