// The checksum that upstream's kubelet takes of a structure: FNV-1a of 32 bits over the structure as Go prints it. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace pintle::kubelet {

constexpr uint32_t go_checksum(std::string_view printed) {
  uint32_t hash = 2166136261u;
  for (const char c : printed) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

}  // namespace pintle::kubelet
