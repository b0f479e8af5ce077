// Literals as they are written, and the UTF-8 that texts are made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pintle::apimachinery::cel {

// The code point at `at`, which moves past it; a byte that is no UTF-8 counts as one (U+FFFD).
uint32_t next_code_point(std::string_view text, std::size_t& at);
std::size_t code_points(std::string_view text);

// The content of a string or bytes literal, prefixes and quotes included in `text`. An error text otherwise.
std::optional<std::string> unquote(std::string_view text, bool is_bytes, std::string& out);

// The whole of `text` as Go's strconv reads it: "1e3", ".5", "Inf", "NaN"; no hexadecimal, no underscores.
std::optional<double> parse_double(std::string_view text);

}  // namespace pintle::apimachinery::cel
