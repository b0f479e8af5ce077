// Protobuf's wire format: reading forwards, writing backwards. A message is written from its last field to its first,
// so that the length of every nested message is known when its prefix is written, and nothing is measured twice.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace pintle::codec {

enum class WireType : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, StartGroup = 3, EndGroup = 4, Fixed32 = 5 };

// Reads one message. A false return means malformed input (or the end, for next()); the reader must not be used after.
class ProtoReader {
 public:
  explicit ProtoReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool at_end() const { return at_ == end_; }
  const char* position() const { return at_; }
  // The next field's tag.
  bool tag(uint32_t& number, WireType& type) {
    uint64_t key = 0;
    if (!varint(key) || (key >> 3) == 0 || (key >> 3) > field_number_max || (key & 7) > 5) return false;
    number = static_cast<uint32_t>(key >> 3);
    type = static_cast<WireType>(key & 7);
    return true;
  }
  bool varint(uint64_t& value) {
    if (at_ < end_ && static_cast<signed char>(*at_) >= 0) {
      value = static_cast<uint8_t>(*at_++);
      return true;
    }
    return long_varint(value);
  }
  bool fixed64(uint64_t& value);
  bool fixed32(uint32_t& value);
  bool bytes(std::string_view& value) {
    uint64_t length = 0;
    if (!varint(length) || length > static_cast<uint64_t>(end_ - at_)) return false;
    value = {at_, static_cast<std::size_t>(length)};
    at_ += length;
    return true;
  }
  // Passes over the value of a field with this tag; groups included.
  bool skip(uint32_t number, WireType type) {
    uint64_t number_value = 0;
    std::string_view view;
    if (type == WireType::Bytes) return bytes(view);
    if (type == WireType::Varint) return varint(number_value);
    return skip_rare(number, type);
  }

 private:
  static constexpr uint32_t field_number_max = (1u << 29) - 1;

  bool long_varint(uint64_t& value);
  bool skip_rare(uint32_t number, WireType type);

  const char* at_;
  const char* end_;
};

constexpr std::size_t writer_keep_max_bytes = 256 * 1024;

// Writes backwards into a buffer that grows at its front.
class ProtoWriter {
 public:
  // Bytes written so far; the difference of two is the length of what was written between.
  std::size_t size() const { return capacity_ - front_; }
  std::string_view view() const { return {buffer_.get() + front_, size()}; }
  void clear() { front_ = capacity_; }
  // Lets a buffer go that one large message has blown up.
  void trim() {
    if (capacity_ > writer_keep_max_bytes) *this = ProtoWriter();
  }

  void raw(std::string_view bytes) {
    reserve(bytes.size());
    front_ -= bytes.size();
    if (!bytes.empty()) std::memcpy(buffer_.get() + front_, bytes.data(), bytes.size());
  }
  void varint(uint64_t value) {
    reserve(10);
    if (value < 0x80) {
      buffer_[--front_] = static_cast<char>(value);
      return;
    }
    long_varint(value);
  }
  void tag(uint32_t number, WireType type) { varint(static_cast<uint64_t>(number) << 3 | static_cast<uint64_t>(type)); }
  void fixed64(uint64_t value);
  void fixed32(uint32_t value);
  // A whole length-delimited field; call after its body when the body was written by hand: body, then this.
  void bytes_field(uint32_t number, std::string_view bytes) {
    raw(bytes);
    close_field(number, bytes.size());
  }
  void varint_field(uint32_t number, uint64_t value) {
    varint(value);
    tag(number, WireType::Varint);
  }
  void close_field(uint32_t number, std::size_t length) {
    varint(length);
    tag(number, WireType::Bytes);
  }

 private:
  void reserve(std::size_t n) {
    if (front_ < n) grow(n);
  }
  void grow(std::size_t n);
  void long_varint(uint64_t value);

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t front_ = 0;  // the first byte written
};

// Forward pieces, for small messages written by hand and for splices.
void append_varint(uint64_t value, std::string& out);
std::size_t varint_size(uint64_t value);
void append_tag(uint32_t number, WireType type, std::string& out);
void append_bytes_field(uint32_t number, std::string_view bytes, std::string& out);

}  // namespace pintle::codec
