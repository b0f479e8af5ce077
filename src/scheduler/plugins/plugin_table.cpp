// The table of plugins. Their order is their index; phases run in the order of the configuration.
#include "scheduler/plugins/default_binder/default_binder.h"
#include "scheduler/plugins/default_preemption/default_preemption.h"
#include "scheduler/plugins/dynamic_resources/dynamic_resources.h"
#include "scheduler/plugins/image_locality/image_locality.h"
#include "scheduler/plugins/inter_pod_affinity/inter_pod_affinity.h"
#include "scheduler/plugins/node_affinity/node_affinity.h"
#include "scheduler/plugins/node_declared_features/node_declared_features.h"
#include "scheduler/plugins/node_name/node_name.h"
#include "scheduler/plugins/node_ports/node_ports.h"
#include "scheduler/plugins/node_resources_balanced_allocation/node_resources_balanced_allocation.h"
#include "scheduler/plugins/node_resources_fit/node_resources_fit.h"
#include "scheduler/plugins/node_unschedulable/node_unschedulable.h"
#include "scheduler/plugins/node_volume_limits/node_volume_limits.h"
#include "scheduler/plugins/pod_topology_spread/pod_topology_spread.h"
#include "scheduler/plugins/priority_sort/priority_sort.h"
#include "scheduler/plugins/scheduling_gates/scheduling_gates.h"
#include "scheduler/plugins/taint_toleration/taint_toleration.h"
#include "scheduler/plugins/volume_binding/volume_binding.h"
#include "scheduler/plugins/volume_restrictions/volume_restrictions.h"
#include "scheduler/plugins/volume_zone/volume_zone.h"

namespace pintle::scheduler::plugins {

namespace {

constexpr PluginRow rows[] = {
    {"SchedulingGates", plugins::make_scheduling_gates},
    {"PrioritySort", plugins::make_priority_sort},
    {"NodeUnschedulable", plugins::make_node_unschedulable},
    {"NodeName", plugins::make_node_name},
    {"TaintToleration", plugins::make_taint_toleration},
    {"NodeAffinity", plugins::make_node_affinity},
    {"NodePorts", plugins::make_node_ports},
    {"NodeResourcesFit", plugins::make_node_resources_fit},
    {"VolumeRestrictions", plugins::make_volume_restrictions},
    {"NodeVolumeLimits", plugins::make_node_volume_limits},
    {"VolumeBinding", plugins::make_volume_binding},
    {"VolumeZone", plugins::make_volume_zone},
    {"PodTopologySpread", plugins::make_pod_topology_spread},
    {"InterPodAffinity", plugins::make_inter_pod_affinity},
    {"DynamicResources", plugins::make_dynamic_resources},
    {"DefaultPreemption", plugins::make_default_preemption},
    {"NodeResourcesBalancedAllocation", plugins::make_node_resources_balanced_allocation},
    {"ImageLocality", plugins::make_image_locality},
    {"DefaultBinder", plugins::make_default_binder},
    {"NodeDeclaredFeatures", plugins::make_node_declared_features},
};
static_assert(std::size(rows) <= extender_index);

}  // namespace

std::span<const PluginRow> plugin_table() { return rows; }

}  // namespace pintle::scheduler::plugins
