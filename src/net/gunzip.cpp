#include "net/gunzip.h"

#include <zlib.h>

#include "base/check.h"

namespace pintle::net {

namespace {

constexpr std::size_t piece_bytes = 64 << 10;
constexpr int gzip_window_bits = 15 + 16;  // zlib's: the largest window, with gzip's header

class GunzipBody final : public BodyReader {
 public:
  explicit GunzipBody(std::unique_ptr<BodyReader> packed) : packed_(std::move(packed)) {
    CHECK(inflateInit2(&zlib_, gzip_window_bits) == Z_OK, "inflate starts");
  }
  ~GunzipBody() override { inflateEnd(&zlib_); }

  rt::Task<Result<Bytes>> read(rt::Context ctx) override {
    while (true) {
      if (zlib_.avail_in == 0 && !input_ended_) {
        CO_TRY_ASSIGN(in_, co_await packed_->read(ctx));
        input_ended_ = in_.empty();
        zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in_.view().data()));
        zlib_.avail_in = static_cast<uInt>(in_.size());
      }
      if (input_ended_ && zlib_.avail_in == 0 && between_members_) co_return Bytes();
      if (between_members_) {  // a gzip file may be several, one after the other
        inflateReset(&zlib_);
        between_members_ = false;
      }
      std::string out(piece_bytes, '\0');
      zlib_.next_out = reinterpret_cast<Bytef*>(out.data());
      zlib_.avail_out = static_cast<uInt>(out.size());
      const int state = inflate(&zlib_, Z_NO_FLUSH);
      out.resize(out.size() - zlib_.avail_out);
      if (state == Z_STREAM_END) {
        between_members_ = true;
      } else if (state != Z_OK && state != Z_BUF_ERROR) {
        co_return bad_request("the body is not valid gzip");
      } else if (out.empty() && input_ended_) {
        co_return bad_request("the gzip body ends too early");
      }
      if (!out.empty()) co_return Bytes(std::move(out));
    }
  }

 private:
  std::unique_ptr<BodyReader> packed_;
  z_stream zlib_{};
  Bytes in_;  // what zlib_ reads from
  bool input_ended_ = false;
  bool between_members_ = false;
};

}  // namespace

std::unique_ptr<BodyReader> gunzip(std::unique_ptr<BodyReader> packed) { return std::make_unique<GunzipBody>(std::move(packed)); }

}  // namespace pintle::net
