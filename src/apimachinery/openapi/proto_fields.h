// Fields of the protobuf forms of documents: what is empty, false or zero is left out, as of proto3.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/value.h"

namespace pintle::apimachinery::openapi {

inline void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

inline void put_bytes(std::string& out, uint32_t number, std::string_view bytes) {
  put_varint(out, number << 3 | 2);
  put_varint(out, bytes.size());
  out += bytes;
}

inline void put_text(std::string& out, uint32_t number, std::string_view text) {
  if (!text.empty()) put_bytes(out, number, text);
}

inline void put_true(std::string& out, uint32_t number, const codec::Value* flag) {
  if (flag == nullptr || !flag->is_bool() || !flag->as_bool()) return;
  put_varint(out, number << 3);
  out += '\1';
}

inline void put_texts(std::string& out, uint32_t number, const codec::Value* list) {
  if (list == nullptr) return;
  for (const codec::Value& item : list->as_array()) put_bytes(out, number, item.as_string());
}

// NamedX{name = 1, value = 2}.
inline void put_named(std::string& out, uint32_t number, std::string_view name, std::string_view value) {
  std::string named;
  put_bytes(named, 1, name);
  put_bytes(named, 2, value);
  put_bytes(out, number, named);
}

inline void put_double(std::string& out, uint32_t number, const codec::Value* value) {
  if (value == nullptr || value->as_double() == 0) return;
  put_varint(out, number << 3 | 1);
  const auto bits = std::bit_cast<uint64_t>(value->as_double());
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(bits >> shift);
}

inline void put_integer(std::string& out, uint32_t number, const codec::Value* value) {
  if (value == nullptr || value->as_int() == 0) return;
  put_varint(out, number << 3);
  put_varint(out, static_cast<uint64_t>(value->as_int()));
}

}  // namespace pintle::apimachinery::openapi
