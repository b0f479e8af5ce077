#include "base/status.h"

#include <gtest/gtest.h>

#include "base/box.h"
#include "base/bytes.h"
#include "base/flat_map.h"

namespace pintle {
namespace {

TEST(Status, CarriesUpstreamsCodes) {
  EXPECT_EQ(http_code(Reason::Invalid), 422);
  EXPECT_EQ(http_code(Reason::Cancelled), 499);
  EXPECT_EQ(reason_name(Reason::RequestEntityTooLarge), "RequestEntityTooLarge");
  EXPECT_EQ(reason_name(Reason::Unknown), "");
}

Result<int> half(int n) {
  if (n % 2 != 0) return bad_request("odd");
  return n / 2;
}
Result<int> quarter(int n) {
  TRY_ASSIGN(const int h, half(n));
  return half(h);
}

TEST(Status, TryReturnsTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
}

TEST(Bytes, SlicesShareTheBuffer) {
  const Bytes all(std::string("0123456789, long enough to live on the heap"));
  const Bytes part = all.substr(2, 3);
  EXPECT_EQ(part.view(), "234");
  EXPECT_EQ(part.data(), all.data() + 2);
}

TEST(Box, CopiesTheValue) {
  Box<int> a(3);
  Box<int> b = a;
  *b = 4;
  EXPECT_EQ(*a, 3);
  EXPECT_FALSE(Box<int>());
}

struct Link {
  std::string name;
  Box<Link> next;
};
TEST(Box, MovesOutOfWhatItHas) {
  Box<Link> chain(Link{"first", Link{"second", nullptr}});
  chain = std::move(chain->next);
  EXPECT_EQ(chain->name, "second");
  EXPECT_FALSE(chain->next);
  Box<Link>& same = chain;
  chain = std::move(same);
  ASSERT_TRUE(chain);
  chain = same;
  EXPECT_EQ(chain->name, "second");
  Box<Link> taken = std::move(chain);
  EXPECT_FALSE(chain.has_value());
  EXPECT_EQ(taken.ensure().name, "second");
  EXPECT_EQ(taken.emplace().name, "");
  taken.reset();
  EXPECT_EQ(taken.ensure().name, "");
}

TEST(FlatMap, KeepsKeysSortedAndUnique) {
  FlatMap<int> map{{"b", 1}, {"a", 2}, {"b", 3}};
  ASSERT_EQ(map.size(), 2u);
  EXPECT_EQ(map.begin()->first, "a");
  EXPECT_EQ(*map.get("b"), 3);
  EXPECT_TRUE(map.erase("a"));
  EXPECT_FALSE(map.erase("a"));
}

}  // namespace
}  // namespace pintle
