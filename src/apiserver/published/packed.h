// Packed: a text that is kept compressed, in pieces that are sent as they are to clients that take gzip: documents are put together of packed
// parts without compressing anything again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pintle::apiserver::published {

// Of text a piece: what a client that takes no gzip makes the server hold of a document.
constexpr std::size_t piece_bytes_max = 64 << 10;

class Packed {
 public:
  struct Piece {
    std::string deflated;  // ends on a byte, not the stream
    uint32_t bytes = 0;    // of text
    uint32_t crc = 0;      // CRC-32 of the text
  };
  Packed() = default;
  explicit Packed(std::string_view text);

  const std::vector<Piece>& pieces() const { return pieces_; }
  std::size_t bytes() const { return bytes_; }                // of text
  std::size_t packed_bytes() const { return packed_bytes_; }  // held

 private:
  std::vector<Piece> pieces_;
  std::size_t bytes_ = 0, packed_bytes_ = 0;
};

std::string unpack(const Packed::Piece& piece);

// The frame of a gzip stream that is made of pieces.
class GzipFrame {
 public:
  static std::string head();
  // The text itself in place of a piece, at most 65,535 bytes.
  std::string literal(std::string_view text);
  void add(const Packed::Piece& piece);  // whose deflated bytes follow
  std::string tail() const;

 private:
  uint32_t crc_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace pintle::apiserver::published
