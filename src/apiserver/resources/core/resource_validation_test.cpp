#include <gtest/gtest.h>

#include "apiserver/resources/core/pod_spec.h"

namespace pintle::apiserver::resources {
namespace {

// The errors for a container that requests and is limited to so much of a resource, "; " between them. An empty amount: not stated.
std::string errors_of(const std::string& name, std::string_view request, std::string_view limit) {
  api::core_v1::ResourceRequirements requirements;
  if (!request.empty()) requirements.requests[name] = *api::Quantity::parse(request);
  if (!limit.empty()) requirements.limits[name] = *api::Quantity::parse(limit);
  FieldErrors errors;
  validate_resource_requirements(requirements, FieldPath("resources"), errors);
  std::string out;
  for (const auto& cause : errors.causes()) out += (out.empty() ? "" : "; ") + cause.field + ": " + cause.message;
  return out;
}

TEST(ResourceValidation, NamesOfContainersResources) {
  EXPECT_EQ(errors_of("cpu", "1", "2"), "");
  EXPECT_EQ(errors_of("vendor.com/gpu", "1", "1"), "");
  EXPECT_EQ(errors_of("storage", "", "1"), R"(resources.limits[storage]: Invalid value: "storage": must be a standard resource for containers)");
  EXPECT_EQ(errors_of("requests.vendor.com/gpu", "", "1"),
            R"(resources.limits[requests.vendor.com/gpu]: Invalid value: "requests.vendor.com/gpu": doesn't follow extended resource name standard)");
}

// Kubernetes' own domain, and those below it, are native: overcommitted, and no whole numbers.
TEST(ResourceValidation, NativeDomains) {
  for (const char* name : {"kubernetes.io/batch-cpu", "example.kubernetes.io/thing"}) {
    EXPECT_EQ(errors_of(name, "100m", ""), "") << name;
    EXPECT_EQ(errors_of(name, "1", "2"), "") << name;
  }
  EXPECT_NE(errors_of("vendor.com/gpu", "100m", "100m"), "");
  EXPECT_NE(errors_of("vendor.com/gpu", "1", ""), "");
}

// The amount is told: it may be a LimitRange's, which whoever wrote the pod has not seen.
TEST(ResourceValidation, RequestsAboveTheirLimit) {
  EXPECT_EQ(errors_of("cpu", "3", "200m"), R"(resources.requests: Invalid value: "3": must be less than or equal to cpu limit of 200m)");
  EXPECT_EQ(errors_of("vendor.com/gpu", "1", "2"), R"(resources.requests: Invalid value: "1": must be equal to vendor.com/gpu limit of 2)");
}

}  // namespace
}  // namespace pintle::apiserver::resources
