// Packer: decoded objects as few bytes as they go into, and back. An object is its protobuf, compressed with what the objects before
// it looked like as the dictionary: pods of one cluster differ in names, addresses and times alone. Belongs to one executor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/object.h"

namespace pintle::client {

class Packer;

// One object. Not longer than its Packer.
class PackedObject {
 public:
  PackedObject() = default;
  PackedObject(PackedObject&& other) noexcept = default;
  PackedObject& operator=(PackedObject&& other) noexcept = default;
  explicit operator bool() const { return bytes_ != nullptr; }

 private:
  friend class Packer;
  std::unique_ptr<char[]> bytes_;
  uint32_t size_ = 0;
  uint32_t dictionary_ = 0;  // number of its dictionary; 0: none
};

class Packer {
 public:
  explicit Packer(const api::Type& type);
  ~Packer();

  // CHECK: the type's protobuf loses nothing.
  PackedObject pack(const void* object);
  api::Object unpack(const PackedObject& packed) const;
  // Gives the bytes back; `packed` is empty then. Each that pack() made must end here, or with the Packer.
  void drop(PackedObject& packed);
  std::size_t packed_bytes() const { return packed_bytes_; }
  std::size_t dictionaries() const { return dictionaries_.size(); }

 private:
  struct Dictionary;
  void learn(std::string_view raw);
  Dictionary* find(uint32_t number) const;  // nullptr: 0

  const api::Type& type_;
  std::vector<std::unique_ptr<Dictionary>> dictionaries_;  // the last is that of new objects
  std::string samples_;
  std::string raw_, compressed_;  // room that is used again
  uint64_t packs_ = 0;
  uint64_t learn_at_;
  std::size_t packed_bytes_ = 0;
  uint32_t last_number_ = 0;
};

}  // namespace pintle::client
