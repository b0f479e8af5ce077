#include "component/heap_profile.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "codec/proto_wire.h"
#include "component/memory.h"

namespace pintle::component {
namespace {

constexpr std::string_view dump =
    "heap_v2/524288\n"
    "  t*: 3: 1248576 [0: 0]\n"
    "  t0: 3: 1248576 [0: 0]\n"
    "@ 0x10 0x2f\n"
    "  t*: 2: 1048576 [0: 0]\n"
    "  t0: 2: 1048576 [0: 0]\n"
    "@ 0x30 0x2f\n"
    "  t*: 1: 8388608 [0: 0]\n"
    "@ 0x99\n"
    "  t*: 0: 0 [0: 0]\n"
    "\nMAPPED_LIBRARIES:\n00400000-00401000 r-xp 00000000 00:00 1 /bin/x\n";

TEST(HeapProfile, ADumpIsScaledToWhatIsHeld) {
  auto profile = parse_heap_dump(dump);
  ASSERT_TRUE(profile.has_value());
  EXPECT_EQ(profile->period_bytes, 524288);
  ASSERT_EQ(profile->samples.size(), 2u);
  EXPECT_EQ(profile->samples[0].stack, (std::vector<uint64_t>{0x30, 0x2f}));
  EXPECT_EQ(profile->samples[0].bytes, 8388609);  // far above the period: nearly every one is sampled
  EXPECT_EQ(profile->samples[1].stack, (std::vector<uint64_t>{0x10, 0x2f}));
  EXPECT_EQ(profile->samples[1].bytes, 1658823);  // 1 / (1 - 1/e) of what was sampled
  EXPECT_EQ(profile->samples[1].objects, 3);
}

TEST(HeapProfile, WhatIsNoDumpIsRefused) {
  for (const std::string_view bad : {"", "heap_v1/1\n", "heap_v2/0\n", "heap_v2/x\n", "heap_v2/1\n@ 0x10\n  t*: x: 1 [0: 0]\n", "heap_v2/1\n@ 0xz\n"})
    EXPECT_FALSE(parse_heap_dump(bad).has_value()) << bad;
}

// Fields of a message: number -> its values (texts, or numbers as texts).
std::multimap<uint32_t, std::string> fields(std::string_view message) {
  std::multimap<uint32_t, std::string> out;
  codec::ProtoReader reader(message);
  uint32_t field = 0;
  codec::WireType type{};
  while (!reader.at_end()) {
    EXPECT_TRUE(reader.tag(field, type));
    uint64_t value = 0;
    std::string_view bytes;
    if (type == codec::WireType::Varint) {
      EXPECT_TRUE(reader.varint(value));
      out.emplace(field, std::to_string(value));
    } else {
      EXPECT_TRUE(reader.bytes(bytes));
      out.emplace(field, bytes);
    }
  }
  return out;
}

TEST(HeapProfile, IsWrittenForPprof) {
  const auto profile = parse_heap_dump(dump);
  const auto all = fields(to_pprof(*profile, 1234567890));
  EXPECT_EQ(all.count(1), 2u);  // sample types
  EXPECT_EQ(all.count(2), 2u);  // samples
  EXPECT_EQ(all.count(4), 3u);  // places: 0xf, 0x2e (in both stacks), 0x2f
  EXPECT_GE(all.count(3), 2u);  // the program and its libraries
  EXPECT_EQ(all.find(9)->second, "1234567890");
  EXPECT_EQ(all.find(12)->second, "524288");
  std::set<std::string> texts;
  for (auto [it, end] = all.equal_range(6); it != end; ++it) texts.insert(it->second);
  EXPECT_EQ(all.find(6)->second, "");  // the first text is the empty one
  for (const char* text : {"inuse_objects", "count", "inuse_space", "bytes"}) EXPECT_TRUE(texts.contains(text)) << text;
}

[[gnu::noinline]] std::vector<std::unique_ptr<char[]>> hold_for_the_profile() {
  std::vector<std::unique_ptr<char[]>> held;
  for (int i = 0; i < 400; ++i) held.push_back(std::make_unique_for_overwrite<char[]>(2 << 20));
  return held;
}

TEST(HeapProfile, TellsWhoHoldsWhat) {
  if (heap_use().allocated == 0) GTEST_SKIP() << "the sanitizer's allocator takes no samples";
  const auto bytes_of_ours = [](const HeapProfile& profile) {
    const std::string text = to_text(profile);
    int64_t sum = 0;
    for (std::size_t at = text.find("\n\n"); at != std::string::npos;) {
      const std::size_t next = text.find("\n\n", at + 2);
      const std::string stack = text.substr(at + 2, next == std::string::npos ? next : next - at - 2);
      if (stack.find("hold_for_the_profile") != std::string::npos) sum += std::stoll(stack);
      at = next;
    }
    return sum;
  };
  auto held = hold_for_the_profile();
  auto during = take_heap_profile();
  ASSERT_TRUE(during.has_value()) << during.error().message;
  // 839 MB that nobody touches. Of the 400, 253 are sampled on average, with a standard deviation of ten: six of them to each bound.
  EXPECT_GT(bytes_of_ours(*during), 640'000'000);
  EXPECT_LT(bytes_of_ours(*during), 1'040'000'000);
  decltype(held)().swap(held);
  auto after = take_heap_profile();
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(bytes_of_ours(*after), 0);
}

}  // namespace
}  // namespace pintle::component
