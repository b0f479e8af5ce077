#include "kubelet/admission/resize_admission.h"

#include <gtest/gtest.h>

#include "kubelet/testing.h"

namespace pintle::kubelet::admission {
namespace {

using namespace testing;

TEST(ResizeAdmission, NeverNowOrAtOnce) {
  const auto one = pod_of("{spec: {containers: [{name: a, image: x, resources: {requests: {cpu: 1}}}]}}");
  const auto why = [&](const std::string& cpu) {
    rules::ResourceList allocatable;
    allocatable["cpu"] = *api::Quantity::parse(cpu);
    const auto refused = admit_resize(one, {&one}, allocatable);
    return refused ? refused->reason + ": " + refused->message : "";
  };
  EXPECT_EQ(why("500m"), "Infeasible: Node didn't have enough capacity: cpu, requested: 1000, capacity: 500");
  EXPECT_EQ(why("1500m"), "Deferred: Node didn't have enough resource: cpu, requested: 1000, used: 1000, capacity: 1500");
  EXPECT_EQ(why("2"), "");
}

}  // namespace
}  // namespace pintle::kubelet::admission
