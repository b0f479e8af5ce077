// Configuration and this node's own object → what the rules depend on. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "api/gen/kubeproxyconfig_v1alpha1.h"
#include "base/status.h"
#include "proxy/nftables/rules.h"

namespace pintle::proxy::nftables {

using Configuration = api::kubeproxyconfig_v1alpha1::KubeProxyConfiguration;

// Invalid with one line for values that cannot be, and for modes that this proxy does not have.
Result<Unit> validate(const Configuration& config);

struct NodeFacts {
  std::string_view node_name;
  const api::core_v1::Node* node = nullptr;  // nullptr: not registered yet; then no address serves node ports
  std::span<const Prefix> service_cidrs;     // of both families
  std::span<const Address> local_addresses;  // of the node's interfaces
};
// `config` is valid.
RulesConfig make_rules_config(Family family, const Configuration& config, const NodeFacts& facts);

// The node's address of a family as the API knows it: InternalIP before ExternalIP.
std::optional<Address> node_address(const api::core_v1::Node& node, Family family);
// The node stays: it is not being deleted, and the autoscaler has not marked it.
bool is_node_eligible(const api::core_v1::Node& node);

}  // namespace pintle::proxy::nftables
