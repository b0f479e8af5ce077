#include "rules/device_selector.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::rules {
namespace {

constexpr std::string_view gpu =
    "{name: gpu-0, attributes: {model: {string: a100}, cores: {int: 8}, ecc: {bool: true}, driverVersion: {version: 1.10.0}, other.example.com/numa: "
    "{int: 1}}, capacity: {memory: {value: 80Gi}, other.example.com/ports: {value: '4'}}}";

// "yes", "no", or what went wrong.
std::string asked(const std::string& expression, std::string_view device = gpu, bool consumable = true) {
  DeviceSelectors selectors(consumable);
  const auto selector = selectors.compile(expression);
  if (!selector) return selector.error().message;
  const auto answer = (*selector)->matches("gpu.example.com", api::testing::from_yaml<api::resource_v1::Device>(device));
  return !answer ? answer.error().message : *answer ? "yes" : "no";
}

TEST(DeviceSelector, NamesOfTheDevice) {
  for (const char* expression :
       {"device.driver == 'gpu.example.com'", "device.attributes['gpu.example.com'].model == 'a100'",
        "device.attributes['gpu.example.com'].cores >= 8", "device.attributes['gpu.example.com'].ecc",
        "device.attributes['gpu.example.com'].driverVersion.isGreaterThan(semver('1.9.0'))", "device.attributes['other.example.com'].numa == 1",
        "device.capacity['gpu.example.com'].memory.compareTo(quantity('80Gi')) == 0",
        "device.capacity['other.example.com'].ports.isGreaterThan(quantity('3'))", "!device.allowMultipleAllocations",
        "cel.bind(d, device.attributes['gpu.example.com'], d.ecc && d.cores == 8)", "device.attributes.size() == 2",
        "device.attributes['gpu.example.com'].exists(name, name == 'model')"})
    EXPECT_EQ(asked(expression), "yes") << expression;
  EXPECT_EQ(asked("device.driver == 'x'"), "no");
}

// A domain that the device has not got reads as one without entries; `in` is not fooled.
TEST(DeviceSelector, DomainsThatAreNotThere) {
  EXPECT_EQ(asked("has(device.attributes['x'].y)"), "no");
  EXPECT_EQ(asked("'x' in device.attributes"), "no");
  EXPECT_EQ(asked("'gpu.example.com' in device.attributes"), "yes");
  EXPECT_EQ(asked("device.attributes['x'].size() == 0"), "yes");
  EXPECT_EQ(asked("device.attributes['x'].y == 1"), "no such key: y");
}

TEST(DeviceSelector, Faults) {
  EXPECT_TRUE(asked("device.bogus").starts_with("compilation failed: ERROR: <input>:1:7: undefined field 'bogus'")) << asked("device.bogus");
  EXPECT_EQ(asked("device.driver"), "must evaluate to bool or the unknown type, not string");
  EXPECT_EQ(asked("device.attributes['gpu.example.com'].cores"),
            "CEL result of type int could not be converted to bool: unsupported type conversion from 'int' to bool");
  EXPECT_EQ(asked("true", "{name: d, attributes: {x: {}}}"), "attribute x: unsupported attribute value");
  EXPECT_EQ(asked("true", "{name: d, attributes: {x: {ints: [1]}}}"), "attribute x: unsupported attribute value");
  EXPECT_TRUE(asked("true", "{name: d, attributes: {x: {version: one}}}").starts_with("attribute x: parse semantic version: "));
  EXPECT_TRUE(asked("device.allowMultipleAllocations", gpu, false).starts_with("compilation failed: ")) << "without the feature it has no such field";
}

TEST(DeviceSelector, CostIsLimited) {
  const std::string many = "[0,1,2,3,4,5,6,7,8,9]";
  std::string expression = "true";
  for (int i = 0; i < 7; ++i) expression = many + ".all(x" + std::to_string(i) + ", " + expression + ")";
  EXPECT_EQ(asked(expression), "operation cancelled: actual cost limit exceeded");
  DeviceSelectors selectors(true);
  EXPECT_GT((*selectors.compile(expression))->cost_max(), device_selector_cost_max);
  EXPECT_LT((*selectors.compile("device.driver == 'x'"))->cost_max(), device_selector_cost_max);
}

TEST(DeviceSelector, TheLastOnesAreKept) {
  DeviceSelectors selectors(true);
  const auto first = *selectors.compile("device.driver == '0'");
  EXPECT_EQ(*selectors.compile("device.driver == '0'"), first);
  for (std::size_t i = 1; i <= DeviceSelectors::kept_max; ++i) ASSERT_TRUE(selectors.compile("device.driver == '" + std::to_string(i) + "'"));
  EXPECT_NE(*selectors.compile("device.driver == '0'"), first) << "it was pushed out";
}

}  // namespace
}  // namespace pintle::rules
