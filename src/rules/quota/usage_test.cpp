#include "rules/quota/usage.h"

#include <gtest/gtest.h>

namespace pintle::rules::quota {
namespace {

using namespace api::core_v1;

Pod pod(std::string_view cpu) {
  Pod out;
  auto& container = out.spec.containers.emplace_back();
  container.name = "c";
  container.resources.requests["cpu"] = *api::Quantity::parse(cpu);
  return out;
}
void check_usage(const Pod& pod, std::string_view expected) { EXPECT_EQ(to_text(usage_of({"", "pods"}, api::Object::of(Pod(pod)))), expected); }

TEST(QuotaUsage, PodsUntilTheyHaveEnded) {
  Pod it = pod("1");
  check_usage(it, "count/pods=1,cpu=1,pods=1,requests.cpu=1");
  it.status.phase = "Running";
  check_usage(it, "count/pods=1,cpu=1,pods=1,requests.cpu=1");
  for (const char* phase : {"Succeeded", "Failed"}) {
    it.status.phase = phase;
    check_usage(it, "count/pods=1");
  }
}

TEST(QuotaUsage, AResizedPodUsesTheMostOfWhatItHasAndAsks) {
  Pod it = pod("1");
  auto& status = it.status.container_statuses.emplace_back();
  status.name = "c";
  status.resources.ensure().requests["cpu"] = *api::Quantity::parse("3");
  status.allocated_resources["cpu"] = *api::Quantity::parse("2");
  check_usage(it, "count/pods=1,cpu=3,pods=1,requests.cpu=3");
}

bool in(const char* scope, const Pod& pod) {
  ResourceQuota quota;
  quota.spec.scopes = {scope};
  return in_scope(quota, api::Object::of(Pod(pod)));
}

TEST(QuotaScopes, BestEffortIsThePodsClass) {
  Pod it = pod("1");
  EXPECT_FALSE(in("BestEffort", it));
  EXPECT_TRUE(in("NotBestEffort", it));
  it.spec.resources.ensure();  // stands for the containers, and states nothing
  EXPECT_TRUE(in("BestEffort", it));
  it.status.qos_class = "Burstable";
  EXPECT_FALSE(in("BestEffort", it));
}

}  // namespace
}  // namespace pintle::rules::quota
