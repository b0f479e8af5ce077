#include "storage/log/revision_index.h"

#include <gtest/gtest.h>

namespace pintle::storage {
namespace {

// "a" writes the key a, "-a" deletes it; the n-th word is revision n.
RevisionIndex index_of(std::string_view script) {
  RevisionIndex index;
  int64_t revision = 0;
  while (!script.empty()) {
    const std::size_t space = script.find(' ');
    std::string_view word = script.substr(0, space);
    script = space == std::string_view::npos ? std::string_view() : script.substr(space + 1);
    LogRow row;
    row.revision = ++revision;
    row.deleted = word.starts_with('-');
    if (row.deleted) word.remove_prefix(1);
    row.key = word;
    const RevisionIndex::Head* head = index.find(row.key);
    row.create_revision = head != nullptr ? head->create_revision : revision;
    row.version = row.deleted ? 0 : (head != nullptr ? head->version + 1 : 1);
    index.apply(row);
  }
  return index;
}

std::string text_of(const std::vector<int64_t>& revisions) {
  std::string text;
  for (const int64_t revision : revisions) text += (text.empty() ? "" : " ") + std::to_string(revision);
  return text;
}

void check_select(std::string_view script, int64_t at, const char* want) {
  const RevisionIndex index = index_of(script);
  EXPECT_EQ(text_of(index.select("", "", at, 0, false).revisions), want) << script << " at " << at;
}

TEST(RevisionIndex, SelectsTheRowsOfARevision) {
  const char* script = "a b a -b b -a a";
  check_select(script, 1, "1");
  check_select(script, 2, "1 2");
  check_select(script, 3, "3 2");
  check_select(script, 4, "3");
  check_select(script, 5, "3 5");
  check_select(script, 6, "5");
  check_select(script, 7, "7 5");
  check_select("", 0, "");
}

TEST(RevisionIndex, RangesAreHalfOpen) {
  const RevisionIndex index = index_of("a ab b c");
  EXPECT_EQ(text_of(index.select("a", "b", 4, 0, false).revisions), "1 2");
  EXPECT_EQ(text_of(index.select("a", "", 4, 0, false).revisions), "1");
  const auto limited = index.select("a", "d", 4, 2, false);
  EXPECT_EQ(text_of(limited.revisions), "1 2");
  EXPECT_EQ(limited.count, 4);
  EXPECT_TRUE(index.select("a", "d", 4, 0, true).revisions.empty());
}

// What compaction up to `to` drops, and what every later revision shows is as before.
void check_compact(std::string_view script, int64_t to, const char* want) {
  RevisionIndex index = index_of(script);
  const RevisionIndex before = index_of(script);
  std::vector<int64_t> dropped;
  EXPECT_TRUE(index.compact(to, 1000, dropped));
  EXPECT_EQ(text_of(dropped), want) << script << " to " << to;
  for (int64_t at = to; at <= index.newest(); ++at) {
    EXPECT_EQ(index.select("", "", at, 0, false).revisions, before.select("", "", at, 0, false).revisions) << script << " at " << at;
  }
}

TEST(RevisionIndex, CompactionDropsWhatOnlyOlderRevisionsShow) {
  check_compact("a a a", 1, "");
  check_compact("a a a", 2, "");  // the event of 2 may still ask for the state before it
  check_compact("a a a", 3, "1");
  check_compact("a -a b", 2, "");
  check_compact("a -a b", 3, "1 2");
  check_compact("a -a a -a a b", 6, "1 2 3 4");
  check_compact("a b c", 3, "");
}

TEST(RevisionIndex, CompactionGoesInSlices) {
  RevisionIndex index = index_of("a a a a a");
  EXPECT_TRUE(index.compactable());
  std::vector<int64_t> dropped;
  EXPECT_FALSE(index.compact(5, 2, dropped));
  EXPECT_EQ(text_of(dropped), "1 2");
  EXPECT_TRUE(index.compact(5, 2, dropped));
  EXPECT_EQ(text_of(dropped), "1 2 3");
  EXPECT_FALSE(index.compactable());  // 4 is the state before the newest event
}

TEST(RevisionIndex, KnowsTheStateBefore) {
  const RevisionIndex index = index_of("a a -a a");
  EXPECT_EQ(index.before("a", 1), 0);
  EXPECT_EQ(index.before("a", 2), 1);
  EXPECT_EQ(index.before("a", 3), 2);
  EXPECT_EQ(index.before("a", 4), 0);
  EXPECT_EQ(index.before("b", 4), 0);
}

TEST(RevisionIndex, ForgetsDeletedKeys) {
  RevisionIndex index = index_of("a -a b");
  std::vector<int64_t> dropped;
  index.compact(3, 1000, dropped);
  EXPECT_EQ(index.keys(), 1u);
}

}  // namespace
}  // namespace pintle::storage
