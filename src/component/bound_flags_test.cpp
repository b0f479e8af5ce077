#include "component/bound_flags.h"

#include <gtest/gtest.h>

namespace pintle::component {
namespace {

struct Options {
  bool on = false;
  uint16_t port = 0;
  double rate = 0;
  std::string name = "kept";
  rt::Duration age{};
  std::vector<std::string> list;
  std::map<std::string, std::string> map;
};

constexpr FlagSpec specs[] = {
    {"on", FlagType::Bool, "true", "", 0, false, true},    {"port", FlagType::Int, "80", "", 0, false, true},
    {"rate", FlagType::Float, "0.5", "", 0, false, true},  {"name", FlagType::String, "", "", 0, false, true},
    {"age", FlagType::Duration, "1m", "", 0, false, true}, {"list", FlagType::Strings, "a,b", "", 0, false, true},
    {"map", FlagType::Map, "", "", 0, false, true},
};

constexpr BoundFlag<Options> table[] = {
    {"on", into<&Options::on>},   {"port", into<&Options::port>}, {"rate", into<&Options::rate>}, {"name", into_if_set<&Options::name>},
    {"age", into<&Options::age>}, {"list", into<&Options::list>}, {"map", into<&Options::map>},
};

Result<Options> taken(std::vector<const char*> args) {
  FlagSet flags("test", specs);
  TRY(flags.parse(args));
  Options options;
  TRY(take_flags<Options>(flags, table, options));
  return options;
}

TEST(BoundFlags, DefaultsAreTaken) {
  const auto options = taken({});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->on);
  EXPECT_EQ(options->port, 80);
  EXPECT_EQ(options->rate, 0.5);
  EXPECT_EQ(options->name, "kept");
  EXPECT_EQ(options->age, std::chrono::minutes(1));
  EXPECT_EQ(options->list, (std::vector<std::string>{"a", "b"}));
}

TEST(BoundFlags, ValuesAreTaken) {
  const auto options = taken({"--on=false", "--port=65535", "--name=x", "--list=c", "--map=k=v"});
  ASSERT_TRUE(options);
  EXPECT_FALSE(options->on);
  EXPECT_EQ(options->port, 65535);
  EXPECT_EQ(options->name, "x");
  EXPECT_EQ(options->list, std::vector<std::string>{"c"});
  EXPECT_EQ(options->map.at("k"), "v");
}

TEST(BoundFlags, WhatDoesNotFitIsRefused) {
  for (const char* wrong : {"--port=65536", "--port=-1"}) {
    const auto options = taken({wrong});
    ASSERT_FALSE(options) << wrong;
    EXPECT_EQ(options.error().message, "--port must be 0 to 65535");
  }
}

}  // namespace
}  // namespace pintle::component
