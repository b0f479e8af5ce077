#include "net/spdy_headers.h"

#include <zlib.h>

#include "base/check.h"
#include "net/spdy_dictionary.h"
#include "net/spdy_frame.h"

namespace pintle::net {

namespace {

// A small window holds the dictionary and what a session says of itself; the default one would cost 256 KiB.
constexpr int window_bits = 11;
constexpr int memory_level = 1;
constexpr std::size_t chunk_bytes = 2048;

const Bytef* bytes_of(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

std::string_view spdy_header(const SpdyHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

std::string format_spdy_block(const SpdyHeaders& headers) {
  std::string out;
  append_spdy_number(out, static_cast<uint32_t>(headers.size()));
  for (const auto& [name, value] : headers) {
    append_spdy_number(out, static_cast<uint32_t>(name.size()));
    out += lower(name);
    append_spdy_number(out, static_cast<uint32_t>(value.size()));
    out += value;
  }
  return out;
}

Result<SpdyHeaders> parse_spdy_block(std::string_view block) {
  std::size_t at = 0;
  const auto text = [&]() -> Result<std::string> {
    TRY_ASSIGN(const uint32_t length, spdy_length(block, at));
    at += 4;
    if (block.size() - at < length) return bad_request("SPDY: a header is cut off");
    std::string out(block.substr(at, length));
    at += length;
    return out;
  };
  TRY_ASSIGN(const uint32_t count, spdy_length(block, 0));
  at = 4;
  SpdyHeaders headers;
  for (uint32_t i = 0; i < count; ++i) {
    TRY_ASSIGN(std::string name, text());
    TRY_ASSIGN(std::string value, text());
    if (name.empty()) return bad_request("SPDY: a header without a name");
    if (lower(name) != name) return bad_request("SPDY: a header's name is not in lower case");
    for (const auto& known : headers)
      if (known.first == name) return bad_request("SPDY: header " + name + " comes twice");
    headers.emplace_back(std::move(name), std::move(value));
  }
  if (at != block.size()) return bad_request("SPDY: bytes behind the headers");
  return headers;
}

struct SpdyDeflater::State {
  z_stream stream{};
};

SpdyDeflater::SpdyDeflater() : state_(std::make_unique<State>()) {
  CHECK(deflateInit2(&state_->stream, Z_BEST_SPEED, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY) == Z_OK, "deflate starts");
  CHECK(deflateSetDictionary(&state_->stream, bytes_of(spdy_dictionary), static_cast<uInt>(spdy_dictionary.size())) == Z_OK, "our own dictionary");
}
SpdyDeflater::~SpdyDeflater() { deflateEnd(&state_->stream); }

std::string SpdyDeflater::compress(const SpdyHeaders& headers) {
  const std::string block = format_spdy_block(headers);
  z_stream& z = state_->stream;
  z.next_in = const_cast<Bytef*>(bytes_of(block));
  z.avail_in = static_cast<uInt>(block.size());
  std::string out;
  do {
    char chunk[chunk_bytes];
    z.next_out = reinterpret_cast<Bytef*>(chunk);
    z.avail_out = sizeof chunk;
    const int done = deflate(&z, Z_SYNC_FLUSH);
    CHECK(done == Z_OK || done == Z_BUF_ERROR, "deflate of memory");
    out.append(chunk, sizeof chunk - z.avail_out);
  } while (z.avail_out == 0);
  return out;
}

struct SpdyInflater::State {
  z_stream stream{};
};

SpdyInflater::SpdyInflater() : state_(std::make_unique<State>()) { CHECK(inflateInit(&state_->stream) == Z_OK, "inflate starts"); }
SpdyInflater::~SpdyInflater() { inflateEnd(&state_->stream); }

Result<SpdyHeaders> SpdyInflater::expand(std::string_view compressed) {
  z_stream& z = state_->stream;
  z.next_in = const_cast<Bytef*>(bytes_of(compressed));
  z.avail_in = static_cast<uInt>(compressed.size());
  std::string block;
  while (true) {
    char chunk[chunk_bytes];
    z.next_out = reinterpret_cast<Bytef*>(chunk);
    z.avail_out = sizeof chunk;
    int done = inflate(&z, Z_SYNC_FLUSH);
    if (done == Z_NEED_DICT) {
      if (inflateSetDictionary(&z, bytes_of(spdy_dictionary), static_cast<uInt>(spdy_dictionary.size())) != Z_OK)
        return bad_request("SPDY: headers compressed with an unknown dictionary");
      continue;
    }
    block.append(chunk, sizeof chunk - z.avail_out);
    if (block.size() > spdy_headers_bytes_max) return bad_request("SPDY: headers are too large");
    if (done == Z_BUF_ERROR || (done == Z_OK && z.avail_in == 0 && z.avail_out > 0)) break;
    if (done != Z_OK) return bad_request("SPDY: headers do not expand");
  }
  return parse_spdy_block(block);
}

}  // namespace pintle::net
