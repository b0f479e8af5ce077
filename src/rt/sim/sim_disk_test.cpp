#include "rt/sim/sim_disk.h"

#include <gtest/gtest.h>

#include <set>

namespace pintle::rt {
namespace {

struct Fixture {
  explicit Fixture(uint64_t seed) : scheduler(seed, 1 << 20), disk(scheduler, "m") {}
  SimScheduler scheduler;
  SimDisk disk;
  std::string text(const std::string& path) { return disk.read(path).value_or("(none)"); }
};

void write_synced(SimDisk& disk, const std::string& path, std::string_view data) {
  auto file = disk.open(path, {.write = true, .create = true});
  ASSERT_TRUE((*file)->write_at(0, data));
  ASSERT_TRUE((*file)->sync());
  ASSERT_TRUE(disk.sync_directory(parent_path(path)));
}

TEST(SimDisk, SyncedDataAndNamesSurviveAPowerCut) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Fixture f(seed);
    ASSERT_TRUE(f.disk.make_directories("/data", 0755));
    ASSERT_TRUE(f.disk.sync_directory("/"));
    write_synced(f.disk, "/data/a", "one");
    ASSERT_TRUE(f.disk.replace("/data/a", "two"));
    f.disk.power_cut();
    EXPECT_EQ(f.text("/data/a"), "two");
    ASSERT_TRUE(f.disk.write("/data/a", "three"));
    f.disk.power_cut();
    const std::string after = f.text("/data/a");
    EXPECT_TRUE(after.size() <= 5) << after;
  }
}

TEST(SimDisk, UnsyncedWritesAreLostKeptOrTornBySeed) {
  const std::string old_text(2048, 'o');
  const std::string new_text(2048, 'n');
  std::set<std::string> outcomes;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Fixture f(seed);
    write_synced(f.disk, "/tmp/a", old_text);
    auto file = f.disk.open("/tmp/a", {.write = true});
    ASSERT_TRUE((*file)->write_at(0, new_text));
    ASSERT_TRUE((*file)->append("tail"));
    EXPECT_EQ(f.text("/tmp/a"), new_text + "tail");
    f.disk.power_cut();
    const std::string after = f.text("/tmp/a");
    // Each sector is old or new, never a mixture.
    for (std::size_t sector = 0; sector < 2048; sector += 512) {
      const std::string part = after.substr(sector, 512);
      EXPECT_TRUE(part == old_text.substr(0, 512) || part == new_text.substr(0, 512));
    }
    outcomes.insert(after);
  }
  EXPECT_TRUE(outcomes.contains(old_text));
  EXPECT_TRUE(outcomes.contains(new_text + "tail"));
  EXPECT_TRUE(outcomes.contains(old_text + "tail"));
  EXPECT_GT(outcomes.size(), 6u);
}

TEST(SimDisk, UnsyncedNamesSurviveAsAPrefix) {
  std::set<std::vector<std::string>> outcomes;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Fixture f(seed);
    for (const char* path : {"/tmp/a", "/tmp/b"}) ASSERT_TRUE(f.disk.write(path, ""));
    ASSERT_TRUE(f.disk.rename("/tmp/a", "/tmp/c"));
    ASSERT_TRUE(f.disk.remove("/tmp/b"));
    f.disk.power_cut();
    outcomes.insert(f.disk.list("/tmp").value());
  }
  using Names = std::vector<std::string>;
  EXPECT_EQ(outcomes, (std::set<Names>{
                          {},
                          {"a"},
                          {"a", "b"},
                          {"b", "c"},
                          {"c"},
                      }));
}

TEST(SimDisk, TruncationIsUndone) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Fixture f(seed);
    write_synced(f.disk, "/tmp/a", "abcdef");
    auto file = f.disk.open("/tmp/a", {.write = true});
    ASSERT_TRUE((*file)->truncate(2));
    ASSERT_TRUE((*file)->truncate(4));
    f.disk.power_cut();
    outcomes.insert(f.text("/tmp/a"));
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"abcdef", "ab", "abcd", std::string("ab\0\0", 4)}));
}

TEST(SimDisk, Faults) {
  Fixture f(1);
  f.disk.plan().capacity_bytes = 10;
  EXPECT_TRUE(f.disk.write("/tmp/a", "12345"));
  const auto full = f.disk.write("/tmp/b", "1234567");
  ASSERT_FALSE(full.has_value());
  EXPECT_TRUE(is_disk_full(full.error()));
  EXPECT_TRUE(f.disk.remove("/tmp/a"));
  EXPECT_TRUE(f.disk.write("/tmp/b", "1234567"));
  f.disk.plan().read_errors = 1'000'000;
  EXPECT_EQ(f.disk.read("/tmp/b").error().reason, Reason::InternalError);
  f.disk.plan().read_errors = 0;
  f.disk.plan().write_errors = 1'000'000;
  EXPECT_FALSE(f.disk.write("/tmp/b", "1").has_value());
  f.disk.plan().write_errors = 0;
  f.disk.plan().latency_min = f.disk.plan().latency_max = std::chrono::milliseconds(10);
  const TimePoint before = f.scheduler.now();
  EXPECT_TRUE(f.disk.write("/tmp/b", "1"));
  EXPECT_GE(f.scheduler.now() - before, std::chrono::milliseconds(20));
}

TEST(SimDisk, RenamesDirectories) {
  Fixture f(1);
  ASSERT_TRUE(f.disk.make_directories("/a/b", 0755));
  ASSERT_TRUE(f.disk.write("/a/b/x", "1"));
  ASSERT_TRUE(f.disk.rename("/a", "/c"));
  EXPECT_EQ(f.text("/c/b/x"), "1");
  EXPECT_FALSE(f.disk.exists("/a"));
  EXPECT_EQ(f.disk.list("/c").value(), std::vector<std::string>{"b"});
  EXPECT_EQ(f.disk.list("/").value(), (std::vector<std::string>{"c", "tmp"}));
}

}  // namespace
}  // namespace pintle::rt
