#include "apimachinery/discovery/content_hash.h"

#include <cstdint>

namespace pintle::apimachinery {

std::string content_hash(std::string_view bytes) {
  // Two FNV-1a sums that start and multiply differently.
  uint64_t a = 0xcbf29ce484222325, b = 0x9ae16a3b2f90404f;
  for (const char c : bytes) {
    a = (a ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    b = (b + static_cast<unsigned char>(c)) * 0xff51afd7ed558ccd;
    b ^= b >> 32;
  }
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const uint64_t sum : {a, b})
    for (int shift = 60; shift >= 0; shift -= 4) out += hex[sum >> shift & 15];
  return out;
}

std::string etag_of(std::string_view bytes) { return "\"" + content_hash(bytes) + "\""; }

}  // namespace pintle::apimachinery
