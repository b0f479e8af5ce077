// JSON text to Value and back, with Go's rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/json_reader.h"
#include "codec/value.h"

namespace pintle::codec {

// A number without '.' that fits is an int64, any other a double; of equal member names the last stays. With
// `duplicates`, each repeated member is reported there as `duplicate field "a.b"`. BadRequest names the offset.
Result<Value> parse_json(std::string_view text, std::vector<std::string>* duplicates = nullptr);
// One value inside a larger text.
struct PathFrame;
class Problems;
bool read_value(JsonReader& reader, Value& out, Problems* problems = nullptr, const PathFrame* at = nullptr);
// The number of a JSON number literal, by the same rule; false: out of a double's range.
bool number_value(std::string_view literal, Value& out);

// Compact, members sorted, as Go writes a map[string]any.
void append_json(const Value& value, std::string& out);
std::string to_json(const Value& value);
// Indented by two spaces, as for ?pretty=true.
std::string to_pretty_json(const Value& value);

}  // namespace pintle::codec
