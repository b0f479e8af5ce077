#include "os/gzip_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <zlib.h>

#include <fstream>

#include "os/fd.h"
#include "os/path.h"

namespace pintle::os {
namespace {

std::string unpacked(const std::string& path) {
  std::string out(4 << 20, '\0');
  const gzFile file = gzopen(path.c_str(), "rb");
  EXPECT_NE(file, nullptr);
  const int got = gzread(file, out.data(), static_cast<unsigned>(out.size()));
  EXPECT_EQ(gzclose(file), Z_OK) << "whole, with its check sum";
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return out;
}

void check_packed(const std::string& folder, const std::string& text) {
  const std::string from = folder + "/from", to = folder + "/to";
  std::ofstream(from) << text;
  const UniqueFd fd(::open(from.c_str(), O_RDONLY));
  ASSERT_TRUE(gzip_file(fd.get(), to, 0640));
  EXPECT_EQ(unpacked(to), text);
  EXPECT_EQ(gzip_file(fd.get(), to, 0640).error().reason, Reason::AlreadyExists);
  EXPECT_EQ(unpacked(to), text) << "what lies there is not touched";
  ::unlink(to.c_str());
}

TEST(GzipFile, WholeOrNotThere) {
  char folder[] = "/tmp/pintle-gzip-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  check_packed(folder, "");
  check_packed(folder, "a line\n");
  std::string large;
  for (int i = 0; i < 100'000; ++i) large += std::to_string(i * 2654435761u) + "\n";
  check_packed(folder, large);
  const std::string from = std::string(folder) + "/from", to = std::string(folder) + "/to";
  const UniqueFd fd(::open(from.c_str(), O_RDONLY));
  int asked = 0;
  EXPECT_EQ(gzip_file(fd.get(), to, 0640, [&] { return ++asked > 3; }).error().reason, Reason::Cancelled);
  EXPECT_NE(::access(to.c_str(), F_OK), 0);
  const std::string link = std::string(folder) + "/link";
  ASSERT_EQ(::symlink(to.c_str(), link.c_str()), 0);
  EXPECT_FALSE(gzip_file(fd.get(), link, 0640));
  EXPECT_NE(::access(to.c_str(), F_OK), 0) << "nothing is written through a link";
  (void)remove_tree(folder);
}

}  // namespace
}  // namespace pintle::os
