#include "apiserver/exchange/gzip.h"

#include <isa-l.h>

#include <array>

#include "base/check.h"

namespace pintle::apiserver::exchange {

namespace {
constexpr std::size_t chunk_bytes = 64 << 10;
}  // namespace

struct GzipStream::State {
  isal_zstream stream{};
  std::array<uint8_t, ISAL_DEF_LVL1_DEFAULT> level_buffer;
  std::array<uint8_t, chunk_bytes> output;
};

GzipStream::GzipStream() : state_(new State) {
  isal_zstream& stream = state_->stream;
  isal_deflate_init(&stream);
  stream.level = 1;
  stream.level_buf = state_->level_buffer.data();
  stream.level_buf_size = static_cast<uint32_t>(state_->level_buffer.size());
  stream.gzip_flag = IGZIP_GZIP;
}
GzipStream::~GzipStream() = default;

void GzipStream::compress(std::string_view input, bool last, std::string& out) {
  isal_zstream& stream = state_->stream;
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uint32_t>(input.size());
  stream.end_of_stream = last ? 1 : 0;
  do {
    stream.next_out = state_->output.data();
    stream.avail_out = chunk_bytes;
    CHECK(isal_deflate(&stream) == COMP_OK, "the stream's state is sound");
    out.append(reinterpret_cast<const char*>(state_->output.data()), chunk_bytes - stream.avail_out);
  } while (stream.avail_out == 0 || stream.avail_in > 0 || (last && stream.internal_state.state != ZSTATE_END));
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

}  // namespace pintle::apiserver::exchange
