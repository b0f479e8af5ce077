// What a pod refers to, and its node may therefore read.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"

namespace pintle::apiserver::authorization::node {

struct PodReferences {
  // Sorted, each once.
  std::vector<std::string> secrets;
  std::vector<std::string> config_maps;
  std::vector<std::string> claims;  // PersistentVolumeClaims
  std::vector<std::string> resource_claims;
  std::string service_account;
};

// A mirror pod refers to nothing: a node must not be able to give itself rights by making a pod.
PodReferences references_of(const api::core_v1::Pod& pod);

struct NamespacedName {
  std::string ns, name;
  bool operator==(const NamespacedName&) const = default;
};
// The secrets that a volume needs on the node.
std::vector<NamespacedName> node_secrets_of(const api::core_v1::PersistentVolume& volume);

constexpr std::string_view mirror_annotation = "kubernetes.io/config.mirror";

}  // namespace pintle::apiserver::authorization::node
