#include "apiserver/endpoints/gzip.h"

#include <zlib.h>

#include "base/check.h"

namespace pintle::apiserver {

namespace {
constexpr int gzip_window = 15 + 16;   // 15: zlib's largest window, +16: gzip's framing
constexpr std::size_t chunk_bytes = 64 << 10;
}  // namespace

struct GzipStream::State {
  z_stream stream{};
};

GzipStream::GzipStream() : state_(std::make_unique<State>()) {
  CHECK(deflateInit2(&state_->stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib starts");
}
GzipStream::~GzipStream() { deflateEnd(&state_->stream); }

void GzipStream::compress(std::string_view input, bool last, std::string& out) {
  z_stream& stream = state_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
  int result = Z_OK;
  do {
    const std::size_t start = out.size();
    out.resize(start + chunk_bytes);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + start);
    stream.avail_out = chunk_bytes;
    result = deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
    CHECK(result != Z_STREAM_ERROR, "zlib's state is sound");
    out.resize(start + chunk_bytes - stream.avail_out);
  } while (stream.avail_out == 0 || (last && result != Z_STREAM_END));
}

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    std::string_view part = accept_encoding.substr(0, comma);
    accept_encoding.remove_prefix(comma == accept_encoding.npos ? accept_encoding.size() : comma + 1);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    const std::string_view name = part.substr(0, part.find_first_of("; "));
    if (name != "gzip" && name != "*") continue;
    const auto q = part.find("q=");
    if (q == part.npos || part.substr(q + 2).find_first_of("123456789") != part.npos) return true;
  }
  return false;
}

}  // namespace pintle::apiserver
