#include "scheduler/plugins/dynamic_resources/extended_resources.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::scheduler::plugins {
namespace {

// "NAME=COUNTxCLASS ... | CONTAINER:RESOURCE->REQUEST ...": for the resources ex.com/gpu (class gpu) and ex.com/nic (class nic).
std::string asked(std::string_view spec) {
  const auto out = extended_requests(api::testing::from_yaml<api::core_v1::PodSpec>(spec), {{"ex.com/gpu", "gpu"}, {"ex.com/nic", "nic"}});
  std::string text;
  for (const auto& request : out.requests)
    text += request.name.substr(10) + "=" + std::to_string(request.exactly->count) + "x" + request.exactly->device_class_name + " ";
  text += "|";
  for (const auto& mapping : out.mappings)
    text += " " + mapping.container_name + ":" + mapping.resource_name.substr(7) + "->" + mapping.request_name.substr(10);
  return text;
}

TEST(ExtendedResources, OneRequestForAContainersResource) {
  EXPECT_EQ(asked("{containers: [{name: a, resources: {requests: {ex.com/gpu: 2}}}]}"), "0-request-0=2xgpu | a:gpu->0-request-0");
  EXPECT_EQ(asked("{containers: [{name: a, resources: {requests: {cpu: 1, ex.com/gpu: 1, ex.com/nic: 3}}}, {name: b, resources: {requests: "
                  "{ex.com/nic: 1}}}]}"),
            "0-request-1=1xgpu 0-request-2=3xnic 1-request-0=1xnic | a:gpu->0-request-1 a:nic->0-request-2 b:nic->1-request-0");
  EXPECT_EQ(asked("{containers: [{name: a, resources: {requests: {ex.com/gpu: 0}}}]}"), "|");
  EXPECT_EQ(asked("{containers: [{name: a}]}"), "|");
}

TEST(ExtendedResources, InitContainersUseWhatTheOthersAskFor) {
  EXPECT_EQ(
      asked("{initContainers: [{name: i, resources: {requests: {ex.com/gpu: 1}}}], containers: [{name: a, resources: {requests: {ex.com/gpu: 2}}}]}"),
      "1-request-0=2xgpu | a:gpu->1-request-0 i:gpu->1-request-0");
  EXPECT_EQ(
      asked("{initContainers: [{name: i, resources: {requests: {ex.com/gpu: 3}}}], containers: [{name: a, resources: {requests: {ex.com/gpu: 2}}}]}"),
      "0-request-0=1xgpu 1-request-0=2xgpu | a:gpu->1-request-0 i:gpu->1-request-0 i:gpu->0-request-0");
}

// They run one after the other: what the largest of them needs besides serves all.
TEST(ExtendedResources, InitContainersShareWhatTheyNeedBesides) {
  EXPECT_EQ(asked("{initContainers: [{name: i, resources: {requests: {ex.com/gpu: 1}}}, {name: j, resources: {requests: {ex.com/gpu: 2}}}], "
                  "containers: [{name: a}]}"),
            "1-request-0=2xgpu | i:gpu->1-request-0 j:gpu->1-request-0");
}

// A sidecar lasts: only init containers before it may use what it asks for.
TEST(ExtendedResources, Sidecars) {
  EXPECT_EQ(asked("{initContainers: [{name: i, resources: {requests: {ex.com/gpu: 1}}}, {name: s, restartPolicy: Always, resources: {requests: "
                  "{ex.com/gpu: 1}}}, "
                  "{name: j, resources: {requests: {ex.com/gpu: 1}}}], containers: [{name: a}]}"),
            "1-request-0=1xgpu 2-request-0=1xgpu | s:gpu->1-request-0 i:gpu->1-request-0 j:gpu->2-request-0");
}

}  // namespace
}  // namespace pintle::scheduler::plugins
