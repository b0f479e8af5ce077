#include "apiserver/admission/resource_quota/limited.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::apiserver::admission::quota {
namespace {

using api::apiserverconfig_v1::ResourceQuotaConfiguration;
using api::core_v1::Pod;
using api::core_v1::ResourceQuota;

// What of a pod with a priority class and a cpu's request no quota covers: "names|scopes".
void check(const std::string& limited, const std::string& quota_spec, const std::vector<std::string>& counted, const std::string& want) {
  const auto configuration = api::testing::from_yaml<ResourceQuotaConfiguration>("{limitedResources: " + limited + "}");
  const auto pod = api::Object::of<Pod>(
      api::testing::from_yaml<Pod>("{spec: {priorityClassName: high, containers: [{name: c, resources: {requests: {cpu: 1}}}]}}"));
  Cover cover(configuration.limited_resources, {"", "pods"}, pod);
  cover.see_scopes(api::testing::from_yaml<ResourceQuota>("{spec: " + quota_spec + "}"));
  cover.see_names(counted);
  std::string text;
  for (const std::string& name : cover.uncovered_names()) text += name + " ";
  EXPECT_EQ(text + "|" + cover.uncovered_scopes(), want) << limited << quota_spec;
  EXPECT_EQ(cover.wanted(), limited != "[]" && limited.find("nothing") == limited.npos) << limited;
}

TEST(LimitedResources, ArePartsOfNames) {
  check("[]", "{}", {}, "|");
  check("[{resource: pods, matchContains: [requests.cpu]}]", "{}", {}, "requests.cpu |");
  check("[{resource: pods, matchContains: [requests.cpu]}]", "{}", {"requests.cpu"}, "|");
  check("[{resource: pods, matchContains: [cpu]}]", "{}", {"cpu"}, "requests.cpu |");
  check("[{resource: services, matchContains: [nothing]}]", "{}", {}, "|");
  check("[{apiGroup: apps, resource: pods, matchContains: [nothing, cpu]}]", "{}", {}, "|");
}

TEST(LimitedResources, AreScopes) {
  const std::string high = "[{resource: pods, matchScopes: [{scopeName: PriorityClass, operator: In, values: [high, top]}]}]";
  check(high, "{}", {}, "|{PriorityClass In [high top]}");
  check(high, "{scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [high]}]}}", {}, "|");
  check(high, "{scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [low]}]}}", {}, "|{PriorityClass In [high top]}");
  check("[{resource: pods, matchScopes: [{scopeName: PriorityClass, operator: In, values: [nothing]}]}]", "{}", {}, "|");
}

}  // namespace
}  // namespace pintle::apiserver::admission::quota
