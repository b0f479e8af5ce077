#include "controller/job/indexes.h"

#include <gtest/gtest.h>

namespace pintle::controller::job {
namespace {

TEST(IndexSet, ReadsAndWritesRanges) {
  EXPECT_EQ(IndexSet::parse("1,3-5,7", 10).text(), "1,3-5,7");
  EXPECT_EQ(IndexSet::parse("0,1", 10).text(), "0,1");  // two are no range
  EXPECT_EQ(IndexSet::parse("0-2,3", 10).text(), "0-3");
  EXPECT_EQ(IndexSet::parse("2-9", 5).text(), "2-4");  // completions shrank
  EXPECT_EQ(IndexSet::parse("x,4", 5).text(), "4");
  EXPECT_EQ(IndexSet::parse("", 5).text(), "");
}

TEST(IndexSet, JoinsNeighbours) {
  IndexSet set;
  for (const int i : {4, 2, 3, 0, 9}) set.add(i);
  EXPECT_EQ(set.text(), "0,2-4,9");
  EXPECT_EQ(set.count(), 5);
  EXPECT_TRUE(set.contains(3));
  EXPECT_FALSE(set.contains(1));
  EXPECT_EQ(set.count_common(IndexSet::parse("3-9", 20)), 3);
}

}  // namespace
}  // namespace pintle::controller::job
