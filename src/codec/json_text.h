// The smallest pieces of JSON text, written exactly as Go's encoding/json writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pintle::codec {

// A quoted string: < > & and U+2028/U+2029 escaped, invalid UTF-8 replaced by U+FFFD.
void append_json_string(std::string_view text, std::string& out);
void append_json_int(int64_t value, std::string& out);
void append_json_uint(uint64_t value, std::string& out);
// Shortest form that reads back; exponent form below 1e-6 and from 1e21 on. `value` must be finite.
void append_json_double(double value, std::string& out);
void append_json_float(float value, std::string& out);
// JSON that is already well formed: white space outside strings dropped, and < > & U+2028 U+2029 escaped.
void append_compact_json(std::string_view json, std::string& out);
// The same without the escapes: the form in which raw members are kept in memory.
std::string compact_json(std::string_view json);
// How many values a well-formed text can hold at most, itself aside.
std::size_t json_values_max(std::string_view json);
// Well-formed JSON, laid out as Go's MarshalIndent does ("  " and no prefix).
std::string pretty_json(std::string_view json);

// Appends `text` with invalid UTF-8 replaced by U+FFFD, one for each bad byte, as Go does.
void append_valid_utf8(std::string_view text, std::string& out);
bool is_valid_utf8(std::string_view text);
// The number of bytes of the well-formed UTF-8 sequence that `text` starts with; 0: ill-formed. `text` is not empty.
std::size_t utf8_length(std::string_view text);
void append_utf8(uint32_t code_point, std::string& out);

// Go's strconv.Quote, for messages.
std::string go_quote(std::string_view text);

}  // namespace pintle::codec
