#include "os/gzip_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <memory>

#include "base/check.h"
#include "os/fd.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

constexpr std::size_t piece_bytes = 64 << 10;
constexpr int gzip_window_bits = 15 + 16;  // zlib's: the largest window, with gzip's header
constexpr int memory_level = 8;

class Packer {
 public:
  Packer(int from, int to, const std::string& path) : from_(from), to_(to), path_(path) {
    CHECK(deflateInit2(&zlib_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window_bits, memory_level, Z_DEFAULT_STRATEGY) == Z_OK, "deflate starts");
  }
  ~Packer() { deflateEnd(&zlib_); }
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  Result<Unit> run(const std::function<bool()>& enough) {
    while (true) {
      if (enough && enough()) return error(Reason::Cancelled, path_ + ": left");
      const ssize_t got = ::read(from_, in_.get(), piece_bytes);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error(errno, path_);
      zlib_.next_in = in_.get();
      zlib_.avail_in = static_cast<uInt>(got);
      TRY(deflate_piece(got == 0 ? Z_FINISH : Z_NO_FLUSH));
      if (got == 0) return Unit{};
    }
  }

 private:
  Result<Unit> deflate_piece(int flush) {
    do {
      zlib_.next_out = out_.get();
      zlib_.avail_out = piece_bytes;
      (void)deflate(&zlib_, flush);
      TRY(write_out(piece_bytes - zlib_.avail_out));
    } while (zlib_.avail_out == 0);
    return Unit{};
  }
  Result<Unit> write_out(std::size_t bytes) {
    for (std::size_t done = 0; done < bytes;) {
      const ssize_t wrote = ::write(to_, out_.get() + done, bytes - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return system_error(errno, path_);
      done += static_cast<std::size_t>(wrote);
    }
    return Unit{};
  }

  const int from_;
  const int to_;
  const std::string& path_;
  z_stream zlib_{};
  std::unique_ptr<Bytef[]> in_ = std::make_unique<Bytef[]>(piece_bytes);
  std::unique_ptr<Bytef[]> out_ = std::make_unique<Bytef[]>(piece_bytes);
};

}  // namespace

Result<Unit> gzip_file(int from, const std::string& to, uint32_t mode, const std::function<bool()>& enough) {
  const UniqueFd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!out) return system_error(errno, to);
  auto packed = ::fchmod(out.get(), mode) == 0 ? Packer(from, out.get(), to).run(enough) : Result<Unit>(system_error(errno, to));
  if (!packed) ::unlink(to.c_str());
  return packed;
}

}  // namespace pintle::os
