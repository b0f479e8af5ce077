#include "storage/cache/object_tree.h"

#include <gtest/gtest.h>

#include <map>

#include "storage/cache/test_codec.h"

namespace pintle::storage {
namespace {

const std::shared_ptr<const TestCodec> shared_codec = std::make_shared<const TestCodec>();
const TestCodec& codec = *shared_codec;

CachedObjectPtr object(const std::string& key, int64_t revision) {
  KeyValue stored;
  stored.key = key;
  stored.mod_revision = revision;
  stored.value = Bytes("|");
  return std::make_shared<CachedObject>(codec, stored, *codec.load(stored));
}

using Model = std::map<std::string, int64_t>;

Model content(const ObjectTree::Snapshot& snapshot) {
  Model model;
  for (auto at = snapshot.seek(""); at != snapshot.end(); at = snapshot.next(at)) {
    EXPECT_TRUE(model.empty() || model.rbegin()->first < snapshot.at(at)->key());
    model[std::string(snapshot.at(at)->key())] = snapshot.at(at)->revision();
  }
  return model;
}

TEST(ObjectTree, SnapshotsStayWhileTheTreeChanges) {
  ObjectTree tree;
  Model model;
  std::vector<std::pair<ObjectTree::Snapshot, Model>> taken;
  uint64_t state = 42;
  const auto dice = [&state](uint64_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
  };
  for (int64_t revision = 1; revision <= 20'000; ++revision) {
    // Grows to some hundred keys, then shrinks again.
    const std::string key = "/r/x/" + std::to_string(dice(800));
    const bool erase = dice(10) < (revision < 10'000 ? 2u : 7u);
    if (erase) {
      const CachedObjectPtr old = tree.erase(key);
      EXPECT_EQ(old ? old->revision() : 0, model.contains(key) ? model[key] : 0);
      model.erase(key);
    } else {
      const CachedObjectPtr old = tree.put(object(key, revision));
      EXPECT_EQ(old ? old->revision() : 0, model.contains(key) ? model[key] : 0);
      model[key] = revision;
    }
    EXPECT_EQ(tree.size(), model.size());
    const CachedObjectPtr found = tree.find(key);
    EXPECT_EQ(found != nullptr, !erase);
    if (dice(500) == 0) taken.emplace_back(tree.snapshot(), model);
  }
  EXPECT_GT(taken.size(), 10u);
  for (const auto& [snapshot, expected] : taken) EXPECT_EQ(content(snapshot), expected);
}

TEST(ObjectTree, SeeksAndCounts) {
  ObjectTree tree;
  for (int i = 0; i < 1000; ++i) tree.put(object("/r/" + std::to_string(1000 + i), i + 1));
  const ObjectTree::Snapshot snapshot = tree.snapshot();
  EXPECT_EQ(snapshot.at(snapshot.seek("/r/1500"))->key(), "/r/1500");
  EXPECT_EQ(snapshot.at(snapshot.seek("/r/1500", true))->key(), "/r/1501");
  EXPECT_EQ(snapshot.at(snapshot.seek("/r/1500x"))->key(), "/r/1501");
  EXPECT_EQ(snapshot.seek("/s"), snapshot.end());
  EXPECT_EQ(snapshot.seek("/r/1999", true), snapshot.end());
  EXPECT_EQ(snapshot.distance(snapshot.seek("/r/1100"), snapshot.seek("/r/1900")), 800u);
  EXPECT_EQ(snapshot.distance(snapshot.seek(""), snapshot.end()), 1000u);
  const ObjectTree::Snapshot none;
  EXPECT_EQ(none.seek("x"), none.end());
}

}  // namespace
}  // namespace pintle::storage
