#include <algorithm>
#include <array>

#include "api/gen/networking_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/core/template_cells.h"
#include "apiserver/resources/networking/networking.h"
#include "base/ip_address.h"

namespace pintle::apiserver::resources {
namespace {

namespace networking = api::networking_v1;
using apimachinery::BadValue;

constexpr std::array<std::string_view, 3> protocols{"TCP", "UDP", "SCTP"};

void validate_port(const networking::NetworkPolicyPort& port, const FieldPath& path, FieldErrors& errors) {
  if (port.protocol && std::find(protocols.begin(), protocols.end(), *port.protocol) == protocols.end())
    errors.not_listed(path.child("protocol"), *port.protocol, protocols);
  if (!port.port) {
    if (port.end_port) errors.invalid(path.child("endPort"), *port.end_port, "may not be specified when `port` is not specified");
    return;
  }
  if (port.port->is_string) {
    if (port.end_port) errors.invalid(path.child("endPort"), *port.end_port, "may not be specified when `port` is non-numeric");
    errors.invalid_all(path.child("port"), port.port->string_value, apimachinery::check_port_name(port.port->string_value));
    return;
  }
  errors.invalid_all(path.child("port"), port.port->int_value, apimachinery::check_port_number(port.port->int_value));
  if (!port.end_port) return;
  if (*port.end_port < port.port->int_value) errors.invalid(path.child("endPort"), *port.end_port, "must be greater than or equal to `port`");
  errors.invalid_all(path.child("endPort"), *port.end_port, apimachinery::check_port_number(*port.end_port));
}

void validate_block(const networking::IPBlock& block, const FieldPath& path, FieldErrors& errors) {
  if (block.cidr.empty()) {
    errors.required(path.child("cidr"));
    return;
  }
  errors.invalid_all(path.child("cidr"), block.cidr, apimachinery::check_legacy_cidr(block.cidr));
  const auto outer = parse_prefix(block.cidr);
  if (!outer) return;
  for (std::size_t i = 0; i < block.except.size(); ++i) {
    const FieldPath at = path.child("except").index(i);
    errors.invalid_all(at, block.except[i], apimachinery::check_legacy_cidr(block.except[i]));
    const auto inner = parse_prefix(block.except[i]);
    if (inner && (!outer->contains(inner->address) || inner->bits <= outer->bits))
      errors.invalid(at, block.except[i], "must be a strict subset of `cidr`");
  }
}

void validate_peer(const networking::NetworkPolicyPeer& peer, const FieldPath& path, FieldErrors& errors) {
  if (peer.pod_selector) validate_label_selector(*peer.pod_selector, path.child("podSelector"), errors);
  if (peer.namespace_selector) validate_label_selector(*peer.namespace_selector, path.child("namespaceSelector"), errors);
  if (peer.ip_block) validate_block(*peer.ip_block, path.child("ipBlock"), errors);
  const int selectors = peer.pod_selector.has_value() + peer.namespace_selector.has_value();
  if (selectors + peer.ip_block.has_value() == 0) {
    errors.required(path, "must specify a peer");
  } else if (peer.ip_block && selectors > 0) {
    errors.forbidden(path, "may not specify both ipBlock and another peer");
  }
}

class NetworkPolicyStrategy : public registry::TypedStrategy<networking::NetworkPolicy> {
 public:
  void set_defaults(networking::NetworkPolicy& policy) const override {
    networking::NetworkPolicySpec& spec = policy.spec;
    const auto default_protocol = [](auto& rules) {
      for (auto& rule : rules)
        for (networking::NetworkPolicyPort& port : rule.ports)
          if (!port.protocol) port.protocol = "TCP";
    };
    default_protocol(spec.ingress);
    default_protocol(spec.egress);
    if (spec.policy_types.empty()) {
      spec.policy_types = {"Ingress"};
      if (!spec.egress.empty()) spec.policy_types.emplace_back("Egress");
    }
  }
  void validate(const RequestScope&, const networking::NetworkPolicy& policy, FieldErrors& errors) const override {
    const networking::NetworkPolicySpec& spec = policy.spec;
    const FieldPath at("spec");
    validate_label_selector(spec.pod_selector, at.child("podSelector"), errors);
    for (std::size_t i = 0; i < spec.ingress.size(); ++i) {
      const FieldPath rule = at.child("ingress").index(i);
      for (std::size_t p = 0; p < spec.ingress[i].ports.size(); ++p) validate_port(spec.ingress[i].ports[p], rule.child("ports").index(p), errors);
      for (std::size_t p = 0; p < spec.ingress[i].from.size(); ++p) validate_peer(spec.ingress[i].from[p], rule.child("from").index(p), errors);
    }
    for (std::size_t i = 0; i < spec.egress.size(); ++i) {
      const FieldPath rule = at.child("egress").index(i);
      for (std::size_t p = 0; p < spec.egress[i].ports.size(); ++p) validate_port(spec.egress[i].ports[p], rule.child("ports").index(p), errors);
      for (std::size_t p = 0; p < spec.egress[i].to.size(); ++p) validate_peer(spec.egress[i].to[p], rule.child("to").index(p), errors);
    }
    constexpr std::array<std::string_view, 2> types{"Ingress", "Egress"};
    if (spec.policy_types.size() > types.size()) {
      errors.invalid(at.child("policyTypes"), BadValue::raw("[...]"), "may not specify more than two policyTypes");
      return;
    }
    for (std::size_t i = 0; i < spec.policy_types.size(); ++i)
      if (std::find(types.begin(), types.end(), spec.policy_types[i]) == types.end())
        errors.not_listed(at.child("policyTypes").index(i), spec.policy_types[i], types);
  }
  void table_cells(const networking::NetworkPolicy& policy, registry::TableCells& cells) const override {
    cells.emplace_back(policy.metadata.name);
    cells.emplace_back(selector_text(&policy.spec.pod_selector));
    cells.push_back(registry::TableCell::age(policy.metadata.creation_timestamp));
  }
};

}  // namespace

registry::ResourceDefinition network_policies() {
  registry::ResourceDefinition out;
  out.resource = {"networking.k8s.io", "networkpolicies"};
  out.strategy = std::make_shared<NetworkPolicyStrategy>();
  out.has_generation = true;
  return out;
}

}  // namespace pintle::apiserver::resources
