#include "rules/resource_names.h"

#include <gtest/gtest.h>

#include <string>

namespace pintle::rules {
namespace {

struct Case {
  std::string name;
  bool native;
  bool extended;
  bool overcommitted;
  bool pod_level;
};

TEST(ResourceNames, Kinds) {
  const Case cases[] = {
      {"cpu", true, false, true, true},
      {"memory", true, false, true, true},
      {"ephemeral-storage", true, false, true, false},
      {"hugepages-2Mi", true, false, false, true},
      {"kubernetes.io/batch-cpu", true, false, true, false},
      {"example.kubernetes.io/thing", true, false, true, false},
      {"nvidia.com/gpu", false, true, false, false},
      {"kubernetes.io.example.com/gpu", false, true, false, false},
      {"requests.nvidia.com/gpu", false, false, false, false},
      {"nvidia.com/no good", false, false, false, false},
      {std::string(250, 'a') + "/gpu", false, false, false, false},  // too long behind "requests."
  };
  for (const Case& c : cases) {
    EXPECT_EQ(is_native_resource(c.name), c.native) << c.name;
    EXPECT_EQ(is_extended_resource(c.name), c.extended) << c.name;
    EXPECT_EQ(is_overcommitted(c.name), c.overcommitted) << c.name;
    EXPECT_EQ(is_pod_level_resource(c.name), c.pod_level) << c.name;
  }
}

}  // namespace
}  // namespace pintle::rules
