#include "component/serving/tls_version.h"

#include <gtest/gtest.h>

namespace pintle::component {
namespace {

std::string told(std::string_view text) {
  const auto version = parse_tls_min_version(text, "--tls-min-version");
  return version ? std::to_string(*version) : version.error().message;
}

TEST(TlsVersion, OnesThatAreServed) {
  EXPECT_EQ(told(""), "12");
  EXPECT_EQ(told("VersionTLS12"), "12");
  EXPECT_EQ(told("VersionTLS13"), "13");
  for (const char* text : {"VersionTLS11", "versiontls13", "1.3"}) EXPECT_EQ(told(text), "--tls-min-version must be VersionTLS12 or VersionTLS13");
}

}  // namespace
}  // namespace pintle::component
