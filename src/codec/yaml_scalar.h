// What a plain YAML 1.1 scalar means, in go-yaml v2's dialect; reader and writer share it, so that what the one would
// misread the other quotes.
#pragma once

#include <string>
#include <string_view>

#include "codec/value.h"

namespace pintle::codec {

enum class YamlTag : uint8_t { Null, Bool, Int, Float, Timestamp, String };

struct YamlScalar {
  YamlTag tag = YamlTag::String;
  Value value;         // of a string or timestamp: its text; an integer past int64 is a double
  bool finite = true;  // false: .inf or .nan, which JSON cannot say
};
YamlScalar resolve_yaml_scalar(std::string_view text);
// "1:30" and the like: numbers to other YAML 1.1 readers.
bool is_base60_float(std::string_view text);
// Go's strconv.FormatFloat(value, 'g', -1, 64 or 32).
std::string format_go_g(double value);
std::string format_go_g(float value);

}  // namespace pintle::codec
