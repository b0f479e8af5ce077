#include "base/split.h"

#include <gtest/gtest.h>

#include <string>

namespace pintle {
namespace {

std::string shown(const std::vector<std::string_view>& parts) {
  std::string out;
  for (const std::string_view part : parts) out += "[" + std::string(part) + "]";
  return out;
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(shown(split("", ',')), "[]");
  EXPECT_EQ(shown(split("a", ',')), "[a]");
  EXPECT_EQ(shown(split("a,b", ',')), "[a][b]");
  EXPECT_EQ(shown(split(",a,,b,", ',')), "[][a][][b][]");
  EXPECT_EQ(shown(split("a b,c", ' ')), "[a][b,c]");
}

TEST(Split, WordsAreNotEmpty) {
  EXPECT_EQ(shown(split_words("", ',')), "");
  EXPECT_EQ(shown(split_words(",,", ',')), "");
  EXPECT_EQ(shown(split_words(",a,,b,", ',')), "[a][b]");
}

}  // namespace
}  // namespace pintle
