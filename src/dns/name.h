// Domain names in wire form ("\3www\7example\3com\0"), lower case where they are compared. RFC 1035 §3.1, §4.1.4.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pintle::dns {

constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t label_bytes_max = 63;
constexpr std::size_t labels_max = 127;

// Wire form, with the root's zero byte at the end.
using Name = std::string;

// From text; a trailing dot is optional, "" and "." are the root. Nothing for empty or too long labels and names.
std::optional<Name> make_name(std::string_view text);
// "www.example.com."; bytes that are not printable as \DDD.
std::string to_text(std::string_view name);
// One label in wire form; nothing if it is empty or too long.
std::optional<std::string> make_label(std::string_view text);

// Where the labels of a wire name begin, leftmost first, without the root.
struct Labels {
  std::array<uint8_t, labels_max> offsets;
  std::size_t count = 0;
  std::string_view name;
  // The label's text.
  std::string_view operator[](std::size_t i) const { return name.substr(offsets[i] + 1u, static_cast<uint8_t>(name[offsets[i]])); }
  // The name from label i on.
  std::string_view from(std::size_t i) const { return i == count ? name.substr(name.size() - 1) : name.substr(offsets[i]); }
};
// `name` must be a well-formed wire name.
Labels split(std::string_view name);

// True if `name` is `zone` or below it; both lower case.
bool is_within(std::string_view name, std::string_view zone);

// The name at `at` of a message, with pointers followed; `at` moves behind it. Nothing if it is malformed: pointers must
// go backwards, which bounds the work.
std::optional<Name> read_name(std::string_view message, std::size_t& at);

void lower(std::string& name);

}  // namespace pintle::dns
