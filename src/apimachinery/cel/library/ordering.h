// Which of two values of one type comes first.
#pragma once

#include "apimachinery/cel/numbers.h"

namespace pintle::apimachinery::cel {

inline bool is_ordered(const Value& v) {
  switch (v.kind()) {
    case Value::Kind::Bool:
    case Value::Kind::Int:
    case Value::Kind::Uint:
    case Value::Kind::Double:
    case Value::Kind::String:
    case Value::Kind::Bytes:
    case Value::Kind::Timestamp:
    case Value::Kind::Duration: return true;
    default: return false;
  }
}

// Values of types that have no order, or not the same, are not less.
inline bool is_less(const Value& a, const Value& b) {
  if (is_number(a) && is_number(b)) return compare_numbers(a, b) == Order::Less;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Value::Kind::Bool: return !a.as_bool() && b.as_bool();
    case Value::Kind::Duration: return a.as_duration() < b.as_duration();
    case Value::Kind::Timestamp: return a.as_timestamp() < b.as_timestamp();
    case Value::Kind::String:
    case Value::Kind::Bytes: return a.text() < b.text();
    default: return false;
  }
}

}  // namespace pintle::apimachinery::cel
