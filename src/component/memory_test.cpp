#include "component/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace pintle::component {
namespace {

TEST(Memory, CodeLeavesAndComesBack) {
  std::vector<int> numbers(1000);
  std::ranges::generate(numbers, [n = 1000]() mutable { return --n; });
  const int64_t before = process_use().file_bytes;
  release_idle_memory();
  const int64_t after = process_use().file_bytes;
  EXPECT_LT(after, before);
  std::ranges::sort(numbers);
  EXPECT_EQ(numbers.front(), 0);
  EXPECT_EQ(numbers.back(), 999);
}

TEST(Memory, WhenTheProcessIsQuiet) {
  using std::chrono::milliseconds;
  constexpr std::chrono::seconds interval(5);
  constexpr int64_t mib = 1 << 20;
  QuietWatch watch;
  watch.released(3 * mib);
  EXPECT_TRUE(watch.due({milliseconds(200), 20 * mib}, interval));
  watch.released(3 * mib);
  EXPECT_FALSE(watch.due({milliseconds(300), 6 * mib}, interval));   // not worth it
  EXPECT_FALSE(watch.due({milliseconds(600), 20 * mib}, interval));  // at work
  EXPECT_TRUE(watch.due({milliseconds(650), 20 * mib}, interval));
}

TEST(Memory, FreedPagesGoBack) {
  if (heap_use().allocated == 0) GTEST_SKIP() << "the sanitizer has an allocator of its own";
  constexpr int64_t small = 200, many = 100'000;
  std::vector<std::unique_ptr<char[]>> held;
  held.reserve(many);
  for (int64_t i = 0; i < many; ++i) held.push_back(std::make_unique<char[]>(small));
  const HeapUse full = heap_use();
  EXPECT_GT(full.allocated, small * many);
  EXPECT_GE(full.resident, full.active);
  EXPECT_GE(full.active, full.allocated);
  held.clear();
  release_free_memory();
  const HeapUse after = heap_use();
  EXPECT_LT(after.allocated, full.allocated - small * many);
  EXPECT_LT(after.resident, full.resident - small * many);
}

TEST(Memory, TheHeapIsOnThePageOfMetrics) {
  std::string page;
  write_heap_metrics(page);
  for (const char* state : {"allocated", "active", "resident"})
    EXPECT_NE(page.find("pintle_heap_bytes{state=\"" + std::string(state) + "\"} "), std::string::npos);
}

}  // namespace
}  // namespace pintle::component
