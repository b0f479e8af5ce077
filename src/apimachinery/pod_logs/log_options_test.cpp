#include "apimachinery/pod_logs/log_options.h"

#include <gtest/gtest.h>

namespace pintle::apimachinery {
namespace {

// The query again, or what is wrong with it.
std::string through(std::string_view query) {
  const auto options = parse_log_options(net::parse_query(query));
  if (!options) return "400 " + options.error().message;
  const FieldErrors errors = validate_log_options(*options);
  if (!errors.empty()) return "422 " + errors.causes().front().message;
  return net::format_query(log_options_query(*options));
}

TEST(LogOptions, Queries) {
  EXPECT_EQ(through(""), "");
  EXPECT_EQ(through("follow=&previous=true&timestamps=false&limitBytes=10"), "follow=true&limitBytes=10&previous=true");
  EXPECT_EQ(through("sinceTime=2026-01-02T03:04:05Z&tailLines=0&unknown=1"), "sinceTime=2026-01-02T03%3A04%3A05Z&tailLines=0");
  EXPECT_EQ(through("stream=Stderr"), "stream=Stderr");
  EXPECT_EQ(through("tailLines=x"), "400 tailLines: \"x\" is not a number");
  EXPECT_EQ(through("tailLines=-1"), "422 Invalid value: -1: must be greater than or equal to 0");
  EXPECT_EQ(through("limitBytes=0"), "422 Invalid value: 0: must be greater than 0");
  EXPECT_EQ(through("sinceSeconds=1&sinceTime=2026-01-02T03:04:05Z"), "422 Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified");
  EXPECT_EQ(through("stream=Both"), "422 Unsupported value: \"Both\": supported values: \"All\", \"Stderr\", \"Stdout\"");
  EXPECT_EQ(through("stream=Stdout&tailLines=1"), "422 Forbidden: `tailLines` and specific `stream` are mutually exclusive for now");
}

}  // namespace
}  // namespace pintle::apimachinery
