#include "kubelet/node_facts.h"

#include <fmt/format.h>

#include "apimachinery/validation/node_labels.h"
#include "component/log.h"
#include "kubelet/cgroups/cgroup_configuration.h"
#include "kubelet/configuration/validation.h"
#include "os/mount.h"

namespace pintle::kubelet {

namespace {

using api::kubeletconfig_v1beta1::KubeletConfiguration;
namespace log = component::log;

// What the API server would refuse of this node for ever is told at once.
Result<Unit> check_labels(const FlatMap<std::string>& labels) {
  for (const auto& [key, value] : labels)
    if (apimachinery::label_is_kept_from_nodes(key))
      return bad_request("a node may not give itself the label " + key + ": kubernetes.io and k8s.io are the cluster's");
  return Unit{};
}

Result<Unit> check_swap(const KubeletConfiguration& configuration, const os::MachineFacts& machine) {
  if (!configuration.fail_swap_on.value_or(true) || machine.swap_bytes == 0) return Unit{};
  return error(Reason::Invalid,
               fmt::format("this machine swaps ({} MiB), and failSwapOn (--fail-swap-on) refuses that: turn swap off, or set it to false",
                           machine.swap_bytes >> 20));
}

resources::NodeSize node_size(const Paths& paths, const KubeletConfiguration& configuration, const os::MachineFacts& machine) {
  resources::NodeSize out;
  out.machine = machine;
  if (const auto usage = os::file_system_usage(paths.root())) out.storage_bytes = usage->capacity_bytes;
  out.max_pods = configuration.max_pods;
  out.pods_per_core = configuration.pods_per_core;
  return out;
}

node::NodeIdentity node_identity(const KubeletOptions& options, const os::MachineFacts& machine) {
  const auto& configuration = options.configuration;
  node::NodeIdentity out;
  out.name = options.node_name;
  out.hostname = options.hostname.empty() ? machine.hostname : options.hostname;
  out.ips = options.node_ips;
  out.labels = options.node_labels;
  out.taints = configuration.register_with_taints;
  out.provider_id = options.provider_id.empty() ? configuration.provider_id : options.provider_id;
  out.external_cloud_provider = options.external_cloud_provider;
  out.controller_attach_detach = configuration.enable_controller_attach_detach.value_or(true);
  out.kubelet_port = configuration.port;
  out.status_images_max = configuration.node_status_max_images.value_or(50);
  return out;
}

// What pods may ask of this kubelet, in order.
std::vector<std::string> declared_features(const component::FeatureGates& gates) {
  std::vector<std::string> out;
  if (!gates.enabled("NodeDeclaredFeatures")) return out;
  constexpr std::string_view of_pods[] = {"InPlacePodLevelResourcesVerticalScaling", "InPlacePodVerticalScalingInitContainers",
                                          "RestartAllContainersOnContainerExits"};
  for (const std::string_view feature : of_pods)
    if (gates.enabled(feature)) out.emplace_back(feature);
  return out;
}

}  // namespace

// Containers may want to see what is mounted later; and another kubelet that takes the root over finds it as it wants it,
// instead of binding it over our mounts.
Result<bool> make_root(rt::Disk& disk, const Paths& paths) {
  TRY(disk.make_directories(paths.pods(), 0750));
  auto shared = os::share_mounts(paths.root());
  if (!shared) return error(shared.error().reason, "the root directory: " + shared.error().message);
  return shared;
}

void give_back_root(const Paths& paths) {
  const auto mounted = os::mounts_below(paths.root());
  if (!mounted || mounted->size() != 1) return;  // what pods have mounted stays, and the root under it
  if (const auto done = os::unmount(paths.root()); !done) log::warning("The root directory stays mounted", {{"why", done.error().message}});
}

Result<NodeFacts> measure_node(const Paths& paths, const KubeletOptions& options) {
  const auto& configuration = options.configuration;
  NodeFacts out;
  TRY(check_labels(options.node_labels));
  TRY_ASSIGN(out.gates, configuration::feature_gates(configuration));
  TRY_ASSIGN(out.machine, os::machine_facts());
  TRY(check_swap(configuration, out.machine));
  out.masked_paths = os::thermal_throttle_paths();
  out.capacity = resources::node_capacity(node_size(paths, configuration, out.machine));
  TRY_ASSIGN(out.reserved, resources::reserved_resources(configuration));
  TRY_ASSIGN(const auto hard, resources::hard_eviction_thresholds(configuration));
  TRY_ASSIGN(out.thresholds, eviction::eviction_thresholds(configuration));
  TRY_ASSIGN(out.image_rules, images::image_policy(configuration));
  out.image_rules.pinned.insert(options.pinned_images.begin(), options.pinned_images.end());
  out.kept_from_pods = resources::kept_from_pods(out.capacity, out.reserved, hard);
  out.allocatable = resources::node_allocatable(out.capacity, out.reserved, hard);
  out.for_pods = cgroups::enforces(configuration, "pods") ? resources::allocatable_for_pods(out.capacity, out.reserved) : out.capacity;
  out.identity = node_identity(options, out.machine);
  out.identity.declared_features = declared_features(out.gates);
  return out;
}

}  // namespace pintle::kubelet
