#include <string_view>

#include "apiserver/resources/core/pod_spec.h"
#include "base/flat_map_merge.h"
#include "rules/pod_resources.h"
#include "rules/resource_names.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

constexpr std::size_t image_name_bytes_max = 255;

// Always for an image without a tag or with :latest (a digest counts as neither), else IfNotPresent.
std::string_view default_pull_policy(std::string_view image) {
  if (image.size() > image_name_bytes_max) return "IfNotPresent";  // no image reference at all
  if (image.find('@') != std::string_view::npos) return "IfNotPresent";
  const std::size_t slash = image.rfind('/');
  const std::size_t colon = image.rfind(':');
  const bool tagged = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  if (image.find_first_of(" !") != std::string_view::npos) return "IfNotPresent";  // no image reference at all
  return !tagged || image.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

template <class Container>
void default_container(Container& container, bool host_network) {
  if (container.image_pull_policy.empty()) container.image_pull_policy = default_pull_policy(container.image);
  if (host_network)
    for (core::ContainerPort& port : container.ports)
      if (port.host_port == 0) port.host_port = port.container_port;
}

bool has_no_source(const core::VolumeSource& v) {
  return !(v.host_path || v.empty_dir || v.gce_persistent_disk || v.aws_elastic_block_store || v.git_repo || v.secret || v.nfs || v.iscsi ||
           v.glusterfs || v.persistent_volume_claim || v.rbd || v.flex_volume || v.cinder || v.cephfs || v.flocker || v.downward_api || v.fc ||
           v.azure_file || v.config_map || v.vsphere_volume || v.quobyte || v.azure_disk || v.photon_persistent_disk || v.projected ||
           v.portworx_volume || v.scale_io || v.storageos || v.csi || v.ephemeral || v.image);
}

template <class Resources>
void requests_from_limits(Resources& resources) {
  add_missing(resources.requests, resources.limits);
}

bool is_cpu_or_memory(std::string_view name) { return name == "cpu" || name == "memory"; }

// The entries under names that `counts`.
template <class Counts>
rules::ResourceList part_of(const rules::ResourceList& list, Counts counts) {
  rules::ResourceList out;
  for (const auto& [name, quantity] : list)
    if (counts(name)) out.append(name) = quantity;
  return out;
}

// Where the pod states resources of its own: huge pages are limited to what its containers are, unless it requests some; what it does not
// request is what its containers do (of cpu and memory, once it has limits), else its limit.
void default_pod_level(core::PodSpec& spec) {
  if (!spec.resources) return;
  core::ResourceRequirements& own = *spec.resources;
  if (own.requests.empty() && own.limits.empty()) return;
  const rules::PodResourceOptions containers_alone{.overhead = false, .pod_level = false};
  const auto unrequested_pages = [&](std::string_view name) { return rules::is_huge_pages(name) && !own.requests.contains(name); };
  add_missing(own.limits, part_of(rules::pod_limits(spec, containers_alone), unrequested_pages));
  if (own.limits.empty()) return;
  add_missing(own.requests, part_of(rules::pod_requests(spec, containers_alone), is_cpu_or_memory));
  add_missing(own.requests, part_of(own.limits, rules::is_pod_level_resource));
}

}  // namespace

void default_pod_spec(core::PodSpec& spec) {
  if (!spec.security_context) spec.security_context.emplace();
  for (core::Volume& volume : spec.volumes) {
    if (has_no_source(volume)) volume.empty_dir.emplace();
    if (volume.host_path && !volume.host_path->type) volume.host_path->type.emplace();
    if (volume.image && volume.image->pull_policy.empty()) volume.image->pull_policy = default_pull_policy(volume.image->reference);
  }
  for (core::Container& container : spec.init_containers) default_container(container, spec.host_network);
  for (core::Container& container : spec.containers) default_container(container, spec.host_network);
  for (core::EphemeralContainer& container : spec.ephemeral_containers) default_container(container, false);
  // The two names of one field follow each other.
  if (spec.service_account_name.empty()) spec.service_account_name = spec.service_account;
  spec.service_account = spec.service_account_name;
}

void default_pod_requests(core::PodSpec& spec) {
  for (core::Container& container : spec.containers) requests_from_limits(container.resources);
  for (core::Container& container : spec.init_containers) requests_from_limits(container.resources);
  default_pod_level(spec);
}

}  // namespace pintle::apiserver::resources
