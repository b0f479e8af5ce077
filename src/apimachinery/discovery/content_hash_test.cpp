#include "apimachinery/discovery/content_hash.h"

#include <gtest/gtest.h>

namespace pintle::apimachinery {
namespace {

TEST(ContentHash, TellsContentsApart) {
  EXPECT_EQ(etag_of("a"), etag_of("a"));
  EXPECT_NE(etag_of("a"), etag_of("b"));
  EXPECT_EQ(etag_of("a").size(), 34u);
}

}  // namespace
}  // namespace pintle::apimachinery
