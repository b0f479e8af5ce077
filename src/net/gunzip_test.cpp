#include "net/gunzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "net/testing.h"
#include "rt/testing.h"

namespace pintle::net {

namespace {

std::string gzip(std::string_view text) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

rt::Task<std::string> unpacked(std::string packed, std::size_t piece) {
  const auto body = gunzip(std::make_unique<testing::Pieces>(std::move(packed), piece));
  const auto all = co_await read_all(rt::Context::background(), *body, 10 << 20);
  co_return all ? std::string(all->view()) : "error: " + all.error().message;
}

void check_unpacked(const std::string& packed, const std::string& want) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, packed.size() + 1})
    EXPECT_EQ(rt::testing::run_task(unpacked(packed, piece)), want) << "in pieces of " << piece;
}

}  // namespace

TEST(Gunzip, UnpacksAndRefuses) {
  std::string long_text;
  for (int i = 0; i < 30000; ++i) long_text += std::to_string(i) + ' ';
  check_unpacked(gzip("hello"), "hello");
  check_unpacked(gzip(""), "");
  check_unpacked(gzip(long_text), long_text);
  check_unpacked(gzip("one, ") + gzip("two"), "one, two");
  check_unpacked("hello", "error: the body is not valid gzip");
  const std::string whole = gzip(long_text);
  check_unpacked(whole.substr(0, whole.size() - 100), "error: the gzip body ends too early");
  check_unpacked(gzip("hello").substr(0, 5), "error: the gzip body ends too early");
}

}  // namespace pintle::net
