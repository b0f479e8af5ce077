#include "apimachinery/validation/node_labels.h"

#include <algorithm>
#include <array>

namespace pintle::apimachinery {
namespace {

constexpr std::array<std::string_view, 11> kubelet_labels = {
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "beta.kubernetes.io/instance-type",
    "node.kubernetes.io/instance-type",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
};

// `ns` is `domain` or below it.
bool within(std::string_view ns, std::string_view domain) {
  if (ns == domain) return true;
  return ns.size() > domain.size() && ns.ends_with(domain) && ns[ns.size() - domain.size() - 1] == '.';
}

}  // namespace

bool label_is_kept_from_nodes(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view ns = key.substr(0, slash);
  if (within(ns, "node-restriction.kubernetes.io")) return true;
  if (!within(ns, "kubernetes.io") && !within(ns, "k8s.io")) return false;
  if (std::find(kubelet_labels.begin(), kubelet_labels.end(), key) != kubelet_labels.end()) return false;
  return !within(ns, "kubelet.kubernetes.io") && !within(ns, "node.kubernetes.io");
}

}  // namespace pintle::apimachinery
