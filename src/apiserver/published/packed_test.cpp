#include "apiserver/published/packed.h"

#include <zlib.h>

#include <gtest/gtest.h>

namespace pintle::apiserver::published {
namespace {

std::string noise(std::size_t bytes) {
  std::string out;
  uint64_t state = 42;
  for (std::size_t i = 0; i < bytes; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    out += static_cast<char>(state >> 56);
  }
  return out;
}

std::string plain_of(const Packed& packed) {
  std::string out;
  for (const Packed::Piece& piece : packed.pieces()) out += unpack(piece);
  return out;
}

// As a client reads it.
std::string gunzip(const std::string& stream, std::size_t bytes) {
  std::string out(bytes, '\0');
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stream.data()));
  z.avail_in = static_cast<uInt>(stream.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END) << "one member, with the right sum and length";
  EXPECT_EQ(z.avail_in, 0U);
  EXPECT_EQ(z.avail_out, 0U);
  inflateEnd(&z);
  return out;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Packed, IsUnpackedToWhatItWas) {
  for (const std::string& text :
       {std::string(), std::string("x"), repeated("{\"type\":\"object\"},", 50'000), noise(200'000), std::string(piece_bytes_max, 'a')}) {
    const Packed packed(text);
    EXPECT_EQ(packed.bytes(), text.size());
    EXPECT_EQ(plain_of(packed), text);
  }
  const Packed packed(repeated("{\"type\":\"object\"},", 50'000));
  EXPECT_LT(packed.packed_bytes(), packed.bytes() / 20);
  for (const Packed::Piece& piece : packed.pieces()) EXPECT_LE(piece.bytes, piece_bytes_max);
}

TEST(Packed, PiecesAndTextMakeOneGzipStream) {
  const std::string first = repeated("first ", 30'000), second = noise(70'000);
  std::string whole, stream = GzipFrame::head();
  GzipFrame frame;
  const auto add_text = [&](const std::string& text) {
    whole += text;
    stream += frame.literal(text);
  };
  const auto add_packed = [&](const std::string& text) {
    whole += text;
    const Packed packed(text);
    for (const Packed::Piece& piece : packed.pieces()) {
      frame.add(piece);
      stream += piece.deflated;
    }
  };
  add_text("{");
  add_packed(first);
  add_text(",");
  add_packed(second);
  add_packed("");
  add_text("}");
  stream += frame.tail();
  EXPECT_EQ(gunzip(stream, whole.size()), whole);
}

}  // namespace
}  // namespace pintle::apiserver::published
