#include "rules/pod_claims.h"

#include "rules/owner_references.h"

namespace pintle::rules {

std::string claim_name(const api::core_v1::Pod& pod, const api::core_v1::Volume& volume) {
  if (volume.persistent_volume_claim) return volume.persistent_volume_claim->claim_name;
  return volume.ephemeral ? pod.metadata.name + "-" + volume.name : std::string();
}

std::vector<std::string> claim_names(const api::core_v1::Pod& pod) {
  std::vector<std::string> out;
  for (const auto& volume : pod.spec.volumes)
    if (std::string name = claim_name(pod, volume); !name.empty()) out.push_back(std::move(name));
  return out;
}

bool is_claim_of(const api::core_v1::PersistentVolumeClaim& claim, const api::core_v1::Pod& pod) {
  return claim.metadata.namespace_ == pod.metadata.namespace_ && is_controlled_by(claim.metadata, pod.metadata);
}

}  // namespace pintle::rules
