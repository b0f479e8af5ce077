// A path element is one step into an object: a field, an element of a keyed list, a member of a set, an index. It is kept
// as one string, its sort key: a tag byte and a payload whose byte order is upstream's order of path elements (fields,
// keys, values, indexes; numbers by size), and from which the text form can be written again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "codec/value.h"

namespace pintle::apimachinery::path_element {

inline constexpr char field_tag = 1;
inline constexpr char keys_tag = 2;
inline constexpr char value_tag = 3;
inline constexpr char index_tag = 4;

std::string field(std::string_view name);
std::string value(const codec::Value& value);
std::string index(uint64_t index);
// A keyed list's element: begin, then its keys in the order of their names.
std::string begin_keys();
void add_key(std::string& element, std::string_view name, const codec::Value& value);
void add_key(std::string& element, std::string_view name, std::string_view text);  // a string value

inline bool is_field(std::string_view element) { return !element.empty() && element.front() == field_tag; }
inline std::string_view field_name(std::string_view element) { return element.substr(1); }

// FieldsV1's form: f:name, k:{"name":"x"}, v:"x", i:0.
void append_text(std::string_view element, std::string& out);
// nullopt: no such form.
std::optional<std::string> parse_text(std::string_view text);
// The form of messages and causes: .name, [name="x"], [="x"], [0].
void append_path(std::string_view element, std::string& out);

}  // namespace pintle::apimachinery::path_element
