// Rest: of an object whose schema is known at run time alone, what no field of its struct names: a document of its JSON's other members.
#pragma once

#include "codec/value.h"

namespace pintle::api {

struct Rest {
  codec::Value members{codec::Value::Object()};  // an object: "spec", "status" ...
  bool operator==(const Rest&) const = default;
};

}  // namespace pintle::api
