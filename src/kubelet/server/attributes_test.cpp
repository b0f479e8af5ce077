#include "kubelet/server/attributes.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::server {
namespace {

std::string shown(std::string_view method, std::string_view path) {
  const RequestAttributes attributes = request_attributes(method, path);
  std::string out = attributes.verb;
  for (const std::string& subresource : attributes.subresources) out += " " + subresource;
  return out;
}

TEST(RequestAttributes, ByPath) {
  EXPECT_EQ(shown("GET", "/pods"), "get pods proxy");
  EXPECT_EQ(shown("GET", "/podsy"), "get proxy");
  EXPECT_EQ(shown("GET", "/runningpods"), "get pods proxy");
  EXPECT_EQ(shown("GET", "/healthz/ping"), "get healthz proxy");
  EXPECT_EQ(shown("GET", "/configz"), "get configz proxy");
  EXPECT_EQ(shown("GET", "/stats/summary"), "get stats");
  EXPECT_EQ(shown("GET", "/metrics/cadvisor"), "get metrics");
  EXPECT_EQ(shown("GET", "/logs/syslog"), "get log");
  EXPECT_EQ(shown("POST", "/exec/ns/pod/c"), "create proxy");
  EXPECT_EQ(shown("DELETE", "/"), "delete proxy");
}

}  // namespace
}  // namespace pintle::kubelet::server
