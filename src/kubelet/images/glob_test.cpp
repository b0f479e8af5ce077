#include "kubelet/images/glob.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace pintle::kubelet::images {
namespace {

TEST(Glob, Matches) {
  struct Case {
    std::string_view pattern, text;
    bool want;
  };
  for (const Case& one : {Case{"", "", true},
                          {"", "a", false},
                          {"a", "a", true},
                          {"a", "", false},
                          {"*", "", true},
                          {"*", "abc", true},
                          {"a*", "abc", true},
                          {"*c", "abc", true},
                          {"a*c", "abc", true},
                          {"a*c", "abcd", false},
                          {"*b*", "abc", true},
                          {"*x*", "abc", false},
                          {"a?c", "abc", true},
                          {"a?c", "ac", false},
                          {"??", "ab", true},
                          {"[a-c]x", "bx", true},
                          {"[a-c]x", "dx", false},
                          {"[^a-c]x", "dx", true},
                          {"[^a-c]x", "bx", false},
                          {"[xyz]", "y", true},
                          {"[\\]]", "]", true},
                          {"\\*", "*", true},
                          {"\\*", "a", false},
                          {"\\?", "?", true},
                          {"\\?", "a", false},
                          {"[", "a", false},
                          {"[a", "a", false},
                          {"[]", "]", false},
                          {"[-a]", "a", false},
                          {"a\\", "a", false},
                          {"ab*ab", "ab", false},
                          {"ab*ab", "abab", true},
                          {"*a*b*c", "xaxbxc", true},
                          {"*a*b*c", "xaxcxb", false},
                          {"*[0-9]", "host7", true},
                          {"*[0-9]", "host", false}})
    EXPECT_EQ(glob_matches(one.pattern, one.text), one.want) << one.pattern << " " << one.text;
}

TEST(Glob, NoPatternTakesLong) {
  std::string stars;
  for (int i = 0; i < 200; ++i) stars += "*a";
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(glob_matches(stars + "b", std::string(250, 'a')));
  EXPECT_FALSE(glob_matches(std::string(20, '*') + "b", std::string(250, 'a')));
  EXPECT_FALSE(glob_matches("*" + std::string(200, 'a') + "b", std::string(250, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(500));
}

}  // namespace
}  // namespace pintle::kubelet::images
