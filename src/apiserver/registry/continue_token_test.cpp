#include "apiserver/registry/continue_token.h"

#include <gtest/gtest.h>

#include "codec/base64.h"

namespace pintle::apiserver::registry {
namespace {

TEST(ContinueToken, GoesThereAndBack) {
  const ContinueToken token{42, std::string("default/web-1\0", 14)};
  const auto back = decode_continue(encode_continue(token));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->revision, 42);
  EXPECT_EQ(back->start, token.start);
}

TEST(ContinueToken, RefusesOthers) {
  for (const std::string text : {"garbage", "", "%%%", "e30"}) EXPECT_FALSE(decode_continue(text).has_value()) << text;
  for (const std::string json : {R"({"v":"meta.k8s.io/v2","rv":1,"start":"a"})", R"({"v":"meta.k8s.io/v1","rv":"1","start":"a"})",
                                 R"({"v":"meta.k8s.io/v1","rv":1,"start":"/a"})", R"({"v":"meta.k8s.io/v1","rv":1,"start":"../secrets/a"})",
                                 R"({"v":"meta.k8s.io/v1","rv":1})"})
    EXPECT_FALSE(decode_continue(codec::base64_url(json)).has_value()) << json;
}

}  // namespace
}  // namespace pintle::apiserver::registry
