#include "scheduler/devices/capacity.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::scheduler::devices {
namespace {

using api::testing::from_yaml;

// What is taken of a capacity of 10; "no": it does not fit.
std::string taken(std::string_view policy, const std::string& asked, std::string_view value = "10Gi") {
  v1::Device device;
  auto& capacity = device.capacity["m"];
  capacity.value = *api::Quantity::parse(value);
  if (!policy.empty()) capacity.request_policy = from_yaml<v1::CapacityRequestPolicy>(policy);
  v1::CapacityRequirements wanted;
  if (!asked.empty()) wanted.requests["m"] = *api::Quantity::parse(asked);
  if (!fits_capacity(&wanted, device, nullptr, nullptr)) return "no";
  return consumed_by(&wanted, device).get("m")->text();
}

TEST(Capacity, WithoutPolicy) {
  EXPECT_EQ(taken("", ""), "10Gi") << "all of it";
  EXPECT_EQ(taken("", "3Gi"), "3Gi");
  EXPECT_EQ(taken("", "11Gi"), "no");
}

TEST(Capacity, RangesRoundUp) {
  const std::string_view range = "{default: 2Gi, validRange: {min: 1Gi, max: 8Gi, step: 2Gi}}";
  EXPECT_EQ(taken(range, ""), "2Gi") << "the default need not be in the range";
  EXPECT_EQ(taken(range, "1Mi"), "1Gi");
  EXPECT_EQ(taken(range, "2Gi"), "3Gi");
  EXPECT_EQ(taken(range, "3Gi"), "3Gi");
  EXPECT_EQ(taken(range, "8Gi"), "no") << "9Gi is past the most";
  EXPECT_EQ(taken("{validRange: {min: 1Gi}}", "5Gi"), "5Gi");
  EXPECT_EQ(taken("{validRange: {min: 1, step: 0}}", "5", "10"), "no") << "a step that is none";
}

TEST(Capacity, ValuesRoundUp) {
  const std::string_view values = "{default: 1Gi, validValues: [1Gi, 4Gi]}";
  EXPECT_EQ(taken(values, "2Gi"), "4Gi");
  EXPECT_EQ(taken(values, "4Gi"), "4Gi");
  EXPECT_EQ(taken(values, "5Gi"), "no");
}

}  // namespace
}  // namespace pintle::scheduler::devices
