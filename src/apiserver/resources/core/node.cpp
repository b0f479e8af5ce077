#include <array>
#include <set>
#include <tuple>

#include "api/gen/core_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/resources/core/pod_spec.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

constexpr std::string_view role_prefix = "node-role.kubernetes.io/";
constexpr std::string_view role_label = "kubernetes.io/role";

void validate_taints(const core::Node& node, FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> effects{"NoSchedule", "PreferNoSchedule", "NoExecute"};
  std::set<std::tuple<std::string_view, std::string_view>> seen;
  for (std::size_t i = 0; i < node.spec.taints.size(); ++i) {
    const core::Taint& taint = node.spec.taints[i];
    const FieldPath at = FieldPath("metadata", "taints").index(i);  // upstream's path
    errors.invalid_all(at.child("key"), taint.key, apimachinery::check_qualified_name(taint.key));
    if (!apimachinery::check_label_value(taint.value).empty()) errors.invalid(at.child("value"), taint.value, "must be a valid label value");
    if (taint.effect.empty()) {
      errors.required(at.child("effect"));
    } else if (std::find(effects.begin(), effects.end(), taint.effect) == effects.end()) {
      errors.not_listed(at.child("effect"), taint.effect, effects);
    }
    if (!seen.emplace(taint.key, taint.effect).second) errors.duplicate(at, taint.key + ":" + taint.effect);
  }
}

class NodeStrategy : public registry::TypedStrategy<core::Node> {
 public:
  void set_defaults(core::Node& node) const override {
    if (node.status.allocatable.empty()) node.status.allocatable = node.status.capacity;
    if (node.spec.pod_cidrs.empty() && !node.spec.pod_cidr.empty()) node.spec.pod_cidrs.push_back(node.spec.pod_cidr);
    if (node.spec.pod_cidr.empty() && !node.spec.pod_cidrs.empty()) node.spec.pod_cidr = node.spec.pod_cidrs[0];
  }
  void prepare_for_update(const RequestScope&, core::Node& node, const core::Node& old) const override { node.status = old.status; }
  void validate(const RequestScope&, const core::Node& node, FieldErrors& errors) const override {
    validate_taints(node, errors);
    for (const auto& [name, quantity] : node.status.capacity)
      validate_resource_quantity(name, quantity, FieldPath("status", "capacity").key(name), errors);
    for (const auto& [name, quantity] : node.status.allocatable)
      validate_resource_quantity(name, quantity, FieldPath("status", "allocatable").key(name), errors);
    for (std::size_t i = 0; i < node.spec.pod_cidrs.size(); ++i)
      errors.invalid_all(FieldPath("spec", "podCIDRs").index(i), node.spec.pod_cidrs[i], apimachinery::check_legacy_cidr(node.spec.pod_cidrs[i]));
  }
  void validate_update(const RequestScope&, const core::Node& node, const core::Node& old, FieldErrors& errors) const override {
    if (!old.spec.pod_cidrs.empty() && node.spec.pod_cidrs != old.spec.pod_cidrs)
      errors.forbidden(FieldPath("spec", "podCIDRs"), "node updates may not change podCIDR except from \"\" to valid");
    if (!old.spec.provider_id.empty() && node.spec.provider_id != old.spec.provider_id)
      errors.forbidden(FieldPath("spec", "providerID"), "node updates may not change providerID except from \"\" to valid");
  }
  void table_cells(const core::Node& node, registry::TableCells& cells) const override {
    cells.emplace_back(node.metadata.name);
    cells.emplace_back(status_text(node));
    cells.emplace_back(roles(node));
    cells.push_back(registry::TableCell::age(node.metadata.creation_timestamp));
    cells.emplace_back(node.status.node_info.kubelet_version);
    cells.emplace_back(address(node, "InternalIP"));
    cells.emplace_back(address(node, "ExternalIP"));
    cells.emplace_back(or_unknown(node.status.node_info.os_image));
    cells.emplace_back(or_unknown(node.status.node_info.kernel_version));
    cells.emplace_back(or_unknown(node.status.node_info.container_runtime_version));
  }

 private:
  static std::string or_unknown(const std::string& text) { return text.empty() ? "<unknown>" : text; }
  static std::string address(const core::Node& node, std::string_view type) {
    for (const core::NodeAddress& address : node.status.addresses)
      if (address.type == type) return address.address;
    return "<none>";
  }
  static std::string status_text(const core::Node& node) {
    std::string text = "Unknown";
    for (const core::NodeCondition& condition : node.status.conditions)
      if (condition.type == "Ready") text = condition.status == "True" ? "Ready" : "NotReady";
    if (node.spec.unschedulable) text += ",SchedulingDisabled";
    return text;
  }
  static std::string roles(const core::Node& node) {
    std::set<std::string_view> names;
    for (const auto& [key, value] : node.metadata.labels) {
      const std::string_view name = key;
      if (name.starts_with(role_prefix) && name.size() > role_prefix.size()) names.insert(name.substr(role_prefix.size()));
      if (name == role_label && !value.empty()) names.insert(value);
    }
    std::string out;
    for (const std::string_view name : names) out += (out.empty() ? "" : ",") + std::string(name);
    return out.empty() ? "<none>" : out;
  }
};

class NodeStatusStrategy : public registry::TypedStrategy<core::Node> {
 public:
  void prepare_for_update(const RequestScope&, core::Node& node, const core::Node& old) const override { node.spec = old.spec; }
  bool validate_update_includes_validate() const override { return false; }
};

}  // namespace

registry::ResourceDefinition nodes() {
  registry::ResourceDefinition out;
  out.resource = {"", "nodes"};
  out.key_prefix = "minions";
  out.strategy = std::make_shared<NodeStrategy>();
  out.has_status = false;  // a kubelet registers with its status: create keeps it
  out.selectable_fields = {{"spec.unschedulable", "", "", "false"}};
  out.parts = {{.name = "status", .strategy = std::make_shared<NodeStatusStrategy>()}};
  out.reset_fields = {"status"};
  return out;
}

}  // namespace pintle::apiserver::resources
