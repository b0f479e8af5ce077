// A value's type as Go calls what JSON was read into, for messages that clients have seen for years.
#pragma once

#include <string_view>

#include "codec/value.h"

namespace pintle::codec {

// "int64", "map[string]interface {}"; null: "<nil>".
std::string_view go_type(const Value& value);

}  // namespace pintle::codec
