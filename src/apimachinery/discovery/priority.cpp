#include "apimachinery/discovery/priority.h"

#include <algorithm>
#include <iterator>

namespace pintle::apimachinery {
namespace {

struct Row {
  std::string_view group, version;
  DiscoveryPriority priority;
};

constexpr Row rows[] = {
    {"", "v1", {18000, 1}},
    {"apps", "v1", {17800, 15}},
    {"events.k8s.io", "v1", {17750, 15}},
    {"events.k8s.io", "v1beta1", {17750, 5}},
    {"authentication.k8s.io", "v1", {17700, 15}},
    {"authentication.k8s.io", "v1beta1", {17700, 9}},
    {"authentication.k8s.io", "v1alpha1", {17700, 1}},
    {"authorization.k8s.io", "v1", {17600, 15}},
    {"autoscaling", "v1", {17500, 15}},
    {"autoscaling", "v2", {17500, 30}},
    {"autoscaling", "v2beta1", {17500, 9}},
    {"autoscaling", "v2beta2", {17500, 1}},
    {"batch", "v1", {17400, 15}},
    {"batch", "v1beta1", {17400, 9}},
    {"batch", "v2alpha1", {17400, 9}},
    {"certificates.k8s.io", "v1", {17300, 15}},
    {"certificates.k8s.io", "v1beta1", {17300, 9}},
    {"certificates.k8s.io", "v1alpha1", {17300, 1}},
    {"networking.k8s.io", "v1", {17200, 15}},
    {"networking.k8s.io", "v1beta1", {17200, 9}},
    {"policy", "v1", {17100, 15}},
    {"policy", "v1beta1", {17100, 9}},
    {"rbac.authorization.k8s.io", "v1", {17000, 15}},
    {"storage.k8s.io", "v1", {16800, 15}},
    {"storage.k8s.io", "v1beta1", {16800, 9}},
    {"storage.k8s.io", "v1alpha1", {16800, 1}},
    {"apiextensions.k8s.io", "v1", {16700, 15}},
    {"admissionregistration.k8s.io", "v1", {16700, 15}},
    {"admissionregistration.k8s.io", "v1beta1", {16700, 12}},
    {"admissionregistration.k8s.io", "v1alpha1", {16700, 9}},
    {"scheduling.k8s.io", "v1", {16600, 15}},
    {"scheduling.k8s.io", "v1alpha2", {16600, 2}},
    {"coordination.k8s.io", "v1", {16500, 15}},
    {"coordination.k8s.io", "v1beta1", {16500, 13}},
    {"coordination.k8s.io", "v1alpha2", {16500, 12}},
    {"node.k8s.io", "v1", {16300, 15}},
    {"node.k8s.io", "v1alpha1", {16300, 1}},
    {"node.k8s.io", "v1beta1", {16300, 9}},
    {"discovery.k8s.io", "v1", {16200, 15}},
    {"discovery.k8s.io", "v1beta1", {16200, 12}},
    {"resource.k8s.io", "v1", {16200, 21}},
    {"resource.k8s.io", "v1beta2", {16200, 15}},
    {"resource.k8s.io", "v1beta1", {16200, 9}},
    {"resource.k8s.io", "v1alpha3", {16200, 1}},
    {"flowcontrol.apiserver.k8s.io", "v1", {16100, 21}},
    {"flowcontrol.apiserver.k8s.io", "v1beta3", {16100, 18}},
    {"flowcontrol.apiserver.k8s.io", "v1beta2", {16100, 15}},
    {"flowcontrol.apiserver.k8s.io", "v1beta1", {16100, 12}},
    {"flowcontrol.apiserver.k8s.io", "v1alpha1", {16100, 9}},
    {"internal.apiserver.k8s.io", "v1alpha1", {16000, 9}},
    {"storagemigration.k8s.io", "v1beta1", {15800, 9}},
    {"metrics.k8s.io", "v1beta1", {100, 100}},
};
// The server that carries aggregation tells of itself with this.
constexpr DiscoveryPriority of_aggregation{20000, 100};
constexpr DiscoveryPriority of_custom{1000, 100};

}  // namespace

DiscoveryPriority discovery_priority(std::string_view group, std::string_view version) {
  if (group == "apiregistration.k8s.io") return of_aggregation;
  const auto it = std::ranges::find_if(rows, [&](const Row& row) { return row.group == group && row.version == version; });
  return it == std::end(rows) ? of_custom : it->priority;
}

}  // namespace pintle::apimachinery
