#include "controller/statefulset/identity.h"

#include <algorithm>

#include "base/parse_number.h"
#include "controller/pods/pod_control.h"

namespace pintle::controller::statefulset {

namespace {

std::string claim_name(const PersistentVolumeClaim& claim, const StatefulSet& set, int32_t ordinal) {
  return claim.metadata.name + "-" + pod_name(set, ordinal);
}

}  // namespace

std::optional<int32_t> ordinal_of(const StatefulSet& set, std::string_view name) {
  if (!name.starts_with(set.metadata.name) || name.size() <= set.metadata.name.size() + 1 || name[set.metadata.name.size()] != '-')
    return std::nullopt;
  const std::string_view digits = name.substr(set.metadata.name.size() + 1);
  const auto ordinal = parse_number<int32_t>(digits);
  if (!ordinal || *ordinal < 0 || std::to_string(*ordinal) != digits) return std::nullopt;
  return ordinal;
}

void set_identity(const StatefulSet& set, Pod& pod, int32_t ordinal) {
  pod.metadata.name = pod_name(set, ordinal);
  pod.metadata.namespace_ = set.metadata.namespace_;
  pod.metadata.labels[pod_name_label] = pod.metadata.name;
  pod.metadata.labels[pod_index_label] = std::to_string(ordinal);
}

void set_storage(const StatefulSet& set, Pod& pod, int32_t ordinal) {
  // The claims' volumes take the place of volumes of their names.
  for (const PersistentVolumeClaim& claim : set.spec.volume_claim_templates) {
    std::erase_if(pod.spec.volumes, [&](const auto& volume) { return volume.name == claim.metadata.name; });
  }
  std::vector<api::core_v1::Volume> volumes;
  for (const PersistentVolumeClaim& claim : set.spec.volume_claim_templates) {
    api::core_v1::Volume volume;
    volume.name = claim.metadata.name;
    volume.persistent_volume_claim.ensure().claim_name = claim_name(claim, set, ordinal);
    volumes.push_back(std::move(volume));
  }
  std::ranges::move(pod.spec.volumes, std::back_inserter(volumes));
  pod.spec.volumes = std::move(volumes);
}

Pod make_pod(const StatefulSet& set, const api::core_v1::PodTemplateSpec& pod_template, int32_t ordinal, const std::string& revision) {
  Pod pod = pods::pod_from_template(pod_template, pods::Workload{"apps/v1", "StatefulSet", &set.metadata});
  pod.metadata.generate_name = set.metadata.name + "-";
  set_identity(set, pod, ordinal);
  pod.metadata.labels[revision_label] = revision;
  pod.spec.hostname = pod.metadata.name;
  pod.spec.subdomain = set.spec.service_name;
  set_storage(set, pod, ordinal);
  return pod;
}

std::vector<PersistentVolumeClaim> claims_of(const StatefulSet& set, int32_t ordinal) {
  std::vector<PersistentVolumeClaim> out;
  for (const PersistentVolumeClaim& wanted : set.spec.volume_claim_templates) {
    PersistentVolumeClaim claim = wanted;
    claim.metadata.name = claim_name(wanted, set, ordinal);
    claim.metadata.namespace_ = set.metadata.namespace_;
    if (set.spec.selector)
      for (const auto& [key, value] : set.spec.selector->match_labels) claim.metadata.labels[key] = value;
    claim.status = {};
    out.push_back(std::move(claim));
  }
  return out;
}

bool has_identity(const StatefulSet& set, const Pod& pod) {
  const auto ordinal = ordinal_of(set, pod.metadata.name);
  const std::string* name = pod.metadata.labels.get(pod_name_label);
  const std::string* index = pod.metadata.labels.get(pod_index_label);
  return ordinal && name != nullptr && *name == pod.metadata.name && index != nullptr && *index == std::to_string(*ordinal);
}

bool has_storage(const StatefulSet& set, const Pod& pod) {
  const auto ordinal = ordinal_of(set, pod.metadata.name);
  return ordinal && std::ranges::all_of(set.spec.volume_claim_templates, [&](const PersistentVolumeClaim& claim) {
           return std::ranges::any_of(pod.spec.volumes, [&](const auto& volume) {
             return volume.name == claim.metadata.name && volume.persistent_volume_claim &&
                    volume.persistent_volume_claim->claim_name == claim_name(claim, set, *ordinal);
           });
         });
}

}  // namespace pintle::controller::statefulset
