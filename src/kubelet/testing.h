// For the kubelet's own tests: pods from YAML, and what a runtime might have of them.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "api/codec.h"
#include "api/gen/core_v1.h"
#include "codec/yaml.h"
#include "kubelet/types/pod_state.h"

namespace pintle::kubelet::testing {

inline api::core_v1::Pod pod_of(std::string_view yaml) {
  api::core_v1::Pod pod;
  const auto value = codec::parse_yaml(yaml);
  EXPECT_TRUE(value) << yaml;
  const auto decoded = api::decode_value(*value, api::type_of<api::core_v1::Pod>(), &pod);
  EXPECT_TRUE(decoded) << yaml;
  if (pod.metadata.uid.empty()) pod.metadata.uid = "u1";
  return pod;
}

inline rt::WallTime at(int64_t seconds) { return rt::WallTime(std::chrono::seconds(seconds)); }

inline RuntimeContainer running(std::string name, uint32_t attempt = 0, std::string sandbox = "s1") {
  RuntimeContainer out;
  out.id = name + std::to_string(attempt);
  out.sandbox_id = std::move(sandbox);
  out.name = std::move(name);
  out.attempt = attempt;
  out.phase = ContainerPhase::Running;
  out.created_at = out.started_at = at(100 + attempt * 10);
  return out;
}
inline RuntimeContainer exited(std::string name, int32_t code, uint32_t attempt = 0, std::string sandbox = "s1") {
  RuntimeContainer out = running(std::move(name), attempt, std::move(sandbox));
  out.phase = ContainerPhase::Exited;
  out.exit_code = code;
  out.finished_at = out.started_at + std::chrono::seconds(5);
  return out;
}

// A pod with sandbox s1, ready; containers newest first.
inline PodState state_of(std::vector<RuntimeContainer> containers) {
  PodState out;
  out.uid = "u1";
  out.runtime_name = "containerd";
  SandboxState sandbox;
  sandbox.id = "s1";
  sandbox.ready = true;
  sandbox.ips = {"10.0.0.2"};
  out.sandboxes.push_back(std::move(sandbox));
  out.containers = std::move(containers);
  return out;
}

}  // namespace pintle::kubelet::testing
