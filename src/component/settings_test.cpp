#include "component/settings.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace pintle::component {
namespace {

using Names = std::vector<std::string>;

TEST(Settings, OnesThatDifferAreNamed) {
  constexpr std::string_view paths[] = {"a", "b.c", "d"};
  const auto differing = [&](std::string_view ours) {
    return differing_settings(*codec::parse_json(ours), *codec::parse_json(R"({"a":1,"b":{"c":"x"}})"), paths);
  };
  EXPECT_EQ(differing(R"({"a":1,"b":{"c":"x","other":true}})"), Names{});
  EXPECT_EQ(differing(R"({"a":2,"b":{"c":"y"},"d":0})"), (Names{"a", "b.c", "d"}));
  EXPECT_EQ(differing(R"({"a":1})"), Names{"b.c"});
}

TEST(Settings, GatesThatNobodyAsks) {
  constexpr std::string_view asked[] = {"GracefulNodeShutdown"};
  EXPECT_EQ(unasked_gates({{"MemoryQoS", true}, {"EventedPLEG", false}, {"GracefulNodeShutdown", false}, {"NoSuchGate", true}}, asked),
            Names{"featureGates.MemoryQoS"});
}

}  // namespace
}  // namespace pintle::component
