#include "codec/proto_wire.h"

#include <algorithm>
#include <vector>

namespace pintle::codec {
namespace {
constexpr int groups_depth_max = 100;
constexpr std::size_t writer_capacity_min = 4096;
}  // namespace

bool ProtoReader::long_varint(uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ >= end_) return false;
    const auto byte = static_cast<uint8_t>(*at_++);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool ProtoReader::fixed64(uint64_t& value) {
  if (end_ - at_ < 8) return false;
  std::memcpy(&value, at_, 8);
  at_ += 8;
  return true;
}

bool ProtoReader::fixed32(uint32_t& value) {
  if (end_ - at_ < 4) return false;
  std::memcpy(&value, at_, 4);
  at_ += 4;
  return true;
}

bool ProtoReader::skip_rare(uint32_t number, WireType type) {
  uint64_t u64 = 0;
  uint32_t u32 = 0;
  std::string_view view;
  std::vector<uint32_t> groups;
  for (;;) {
    switch (type) {
      case WireType::Varint:
        if (!varint(u64)) return false;
        break;
      case WireType::Fixed64:
        if (!fixed64(u64)) return false;
        break;
      case WireType::Fixed32:
        if (!fixed32(u32)) return false;
        break;
      case WireType::Bytes:
        if (!bytes(view)) return false;
        break;
      case WireType::StartGroup:
        if (groups.size() == groups_depth_max) return false;
        groups.push_back(number);
        break;
      case WireType::EndGroup:
        if (groups.empty() || groups.back() != number) return false;
        groups.pop_back();
        break;
    }
    if (groups.empty()) return true;
    if (!tag(number, type)) return false;
  }
}

void ProtoWriter::grow(std::size_t n) {
  const std::size_t used = size();
  const std::size_t capacity = std::max({capacity_ * 2, used + n, writer_capacity_min});
  std::unique_ptr<char[]> bigger(new char[capacity]);
  if (used != 0) std::memcpy(bigger.get() + capacity - used, buffer_.get() + front_, used);
  buffer_ = std::move(bigger);
  front_ = capacity - used;
  capacity_ = capacity;
}

void ProtoWriter::long_varint(uint64_t value) {
  const std::size_t n = varint_size(value);
  front_ -= n;
  char* p = buffer_.get() + front_;
  for (; value >= 0x80; value >>= 7) *p++ = static_cast<char>(value | 0x80);
  *p = static_cast<char>(value);
}

void ProtoWriter::fixed64(uint64_t value) { raw({reinterpret_cast<const char*>(&value), 8}); }
void ProtoWriter::fixed32(uint32_t value) { raw({reinterpret_cast<const char*>(&value), 4}); }

std::size_t varint_size(uint64_t value) {
  std::size_t n = 1;
  for (; value >= 0x80; value >>= 7) ++n;
  return n;
}

void append_varint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void append_tag(uint32_t number, WireType type, std::string& out) {
  append_varint(static_cast<uint64_t>(number) << 3 | static_cast<uint64_t>(type), out);
}

void append_bytes_field(uint32_t number, std::string_view bytes, std::string& out) {
  append_tag(number, WireType::Bytes, out);
  append_varint(bytes.size(), out);
  out += bytes;
}

}  // namespace pintle::codec
