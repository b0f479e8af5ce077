#include "cli/join.h"

#include <gtest/gtest.h>

namespace pintle::cli {
namespace {

constexpr std::string_view token = "abcdef.0123456789abcdef";

TEST(Join, ASignatureIsThatOfItsTokenAndContent) {
  const std::string signature = sign_cluster_info("content", token);
  EXPECT_TRUE(verify_cluster_info("content", signature, token));
  EXPECT_FALSE(verify_cluster_info("c0ntent", signature, token));
  EXPECT_FALSE(verify_cluster_info("content", signature, "abcdef.0123456789abcdee"));
  EXPECT_FALSE(verify_cluster_info("content", "garbage", token));
  EXPECT_FALSE(verify_cluster_info("content", "eyJhbGciOiJub25lIn0..", token));
}

}  // namespace
}  // namespace pintle::cli
