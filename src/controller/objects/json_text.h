// Text into JSON patches.
#pragma once

#include <string>
#include <string_view>

#include "codec/json_text.h"

namespace pintle::controller::objects {

inline std::string json_string(std::string_view text) {
  std::string out;
  codec::append_json_string(text, out);
  return out;
}

}  // namespace pintle::controller::objects
