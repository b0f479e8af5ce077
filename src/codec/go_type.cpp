#include "codec/go_type.h"

namespace pintle::codec {

std::string_view go_type(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::Null: return "<nil>";
    case Value::Kind::Bool: return "bool";
    case Value::Kind::Int: return "int64";
    case Value::Kind::Double: return "float64";
    case Value::Kind::String: return "string";
    case Value::Kind::Array: return "[]interface {}";
    case Value::Kind::Object: return "map[string]interface {}";
  }
  return {};
}

}  // namespace pintle::codec
