#include "apiserver/published/packed.h"

#include <isa-l.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/check.h"

namespace pintle::apiserver::published {
namespace {

// Level 3 is a third smaller than level 1 on documents, and still costs less than what is written with it.
struct Deflater {
  isal_zstream stream;
  std::array<uint8_t, ISAL_DEF_LVL3_DEFAULT> level_buffer;
  std::array<uint8_t, 16 << 10> output;
};

std::string deflate(Deflater& deflater, std::string_view text) {
  isal_zstream& stream = deflater.stream;
  isal_deflate_init(&stream);
  stream.level = 3;
  stream.level_buf = deflater.level_buffer.data();
  stream.level_buf_size = static_cast<uint32_t>(deflater.level_buffer.size());
  stream.gzip_flag = IGZIP_DEFLATE;
  stream.flush = SYNC_FLUSH;
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uint32_t>(text.size());
  std::string out;
  do {
    stream.next_out = deflater.output.data();
    stream.avail_out = static_cast<uint32_t>(deflater.output.size());
    CHECK(isal_deflate(&stream) == COMP_OK, "the stream's state is sound");
    out.append(reinterpret_cast<const char*>(deflater.output.data()), deflater.output.size() - stream.avail_out);
  } while (stream.avail_out == 0 || stream.avail_in > 0);
  out.shrink_to_fit();
  return out;
}

uint32_t crc_of(std::string_view text) {
  return static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
}

void put_little_endian(std::string& out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

}  // namespace

Packed::Packed(std::string_view text) : bytes_(text.size()) {
  if (text.empty()) return;
  const auto deflater = std::make_unique<Deflater>();
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), piece_bytes_max))) {
    const std::string_view part = text.substr(0, piece_bytes_max);
    Piece& piece = pieces_.emplace_back(Piece{deflate(*deflater, part), static_cast<uint32_t>(part.size()), crc_of(part)});
    packed_bytes_ += piece.deflated.size() + sizeof(Piece);
  }
}

std::string unpack(const Packed::Piece& piece) {
  std::string out(piece.bytes, '\0');
  const auto state = std::make_unique<inflate_state>();
  isal_inflate_init(state.get());
  state->crc_flag = ISAL_DEFLATE;
  state->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(piece.deflated.data()));
  state->avail_in = static_cast<uint32_t>(piece.deflated.size());
  state->next_out = reinterpret_cast<uint8_t*>(out.data());
  state->avail_out = piece.bytes;
  CHECK(isal_inflate(state.get()) == ISAL_DECOMP_OK && state->avail_out == 0, "what was packed is unpacked");
  return out;
}

std::string GzipFrame::head() { return std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10); }

std::string GzipFrame::literal(std::string_view text) {
  CHECK(text.size() <= 0xffff, "a stored block has 16 bits for its length");
  std::string out(1, '\0');  // a block that is stored, and not the last
  put_little_endian(out, static_cast<uint32_t>(text.size()), 2);
  put_little_endian(out, ~static_cast<uint32_t>(text.size()), 2);
  out += text;
  crc_ = static_cast<uint32_t>(crc32(crc_, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
  bytes_ += text.size();
  return out;
}

void GzipFrame::add(const Packed::Piece& piece) {
  crc_ = static_cast<uint32_t>(crc32_combine(crc_, piece.crc, static_cast<z_off_t>(piece.bytes)));
  bytes_ += piece.bytes;
}

std::string GzipFrame::tail() const {
  std::string out("\x03\0", 2);  // the last block, empty
  put_little_endian(out, crc_, 4);
  put_little_endian(out, static_cast<uint32_t>(bytes_), 4);
  return out;
}

}  // namespace pintle::apiserver::published
