#include "component/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

namespace pintle::component {
namespace {

// Resident pages of files, from /proc/self/statm.
long resident_file_pages() {
  std::ifstream statm("/proc/self/statm");
  long size = 0, resident = 0, shared = 0;
  statm >> size >> resident >> shared;
  return shared;
}

TEST(Memory, CodeLeavesAfterTheStartAndComesBack) {
  std::vector<int> numbers(1000);
  std::ranges::generate(numbers, [n = 1000]() mutable { return --n; });
  const long before = resident_file_pages();
  release_start_memory();
  const long after = resident_file_pages();
  EXPECT_LT(after, before);
  std::ranges::sort(numbers);
  EXPECT_EQ(numbers.front(), 0);
  EXPECT_EQ(numbers.back(), 999);
}

}  // namespace
}  // namespace pintle::component
