#include "api/gen/networking_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/networking/networking.h"
#include "base/ip_address.h"

namespace pintle::apiserver::resources {
namespace {

namespace networking = api::networking_v1;

class ServiceCIDRStrategy : public registry::TypedStrategy<networking::ServiceCIDR> {
 public:
  void prepare_for_create(const RequestScope&, networking::ServiceCIDR& cidr) const override { cidr.status = networking::ServiceCIDRStatus(); }
  void validate(const RequestScope&, const networking::ServiceCIDR& cidr, FieldErrors& errors) const override {
    const FieldPath path("spec", "cidrs");
    if (cidr.spec.cidrs.empty()) {
      errors.required(path, "at least one CIDR required");
      return;
    }
    if (cidr.spec.cidrs.size() > 2) errors.too_many(path, cidr.spec.cidrs.size(), 2);
    for (std::size_t i = 0; i < cidr.spec.cidrs.size(); ++i)
      errors.invalid_all(path.index(i), cidr.spec.cidrs[i], apimachinery::check_cidr(cidr.spec.cidrs[i]));
    if (cidr.spec.cidrs.size() == 2) {
      const auto first = parse_prefix(cidr.spec.cidrs[0], IpSyntax::Strict);
      const auto second = parse_prefix(cidr.spec.cidrs[1], IpSyntax::Strict);
      if (first && second && first->address.family == second->address.family)
        errors.invalid(path, apimachinery::BadValue::raw("[...]"),
                       "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64");
    }
  }
  void validate_update(const RequestScope&, const networking::ServiceCIDR& cidr, const networking::ServiceCIDR& old,
                       FieldErrors& errors) const override {
    if (cidr.spec.cidrs != old.spec.cidrs && !(old.spec.cidrs.size() == 1 && cidr.spec.cidrs.size() == 2 && cidr.spec.cidrs[0] == old.spec.cidrs[0]))
      errors.invalid(FieldPath("spec", "cidrs").index(0), cidr.spec.cidrs.empty() ? "" : cidr.spec.cidrs[0], "field is immutable");
  }
  void table_cells(const networking::ServiceCIDR& cidr, registry::TableCells& cells) const override {
    std::string cidrs;
    for (const std::string& one : cidr.spec.cidrs) cidrs += (cidrs.empty() ? "" : ",") + one;
    cells.emplace_back(cidr.metadata.name);
    cells.emplace_back(cidrs);
    cells.push_back(registry::TableCell::age(cidr.metadata.creation_timestamp));
  }
};

class IPAddressStrategy : public registry::TypedStrategy<networking::IPAddress> {
 public:
  void validate(const RequestScope&, const networking::IPAddress& address, FieldErrors& errors) const override {
    const auto ip = parse_address(address.metadata.name, IpSyntax::Strict);
    if (!ip || ip->to_string() != address.metadata.name)
      errors.invalid(FieldPath("metadata", "name"), address.metadata.name, "must be an IP address in canonical form");
    const FieldPath at("spec", "parentRef");
    if (!address.spec.parent_ref) {
      errors.required(at);
      return;
    }
    const networking::ParentReference& parent = *address.spec.parent_ref;
    if (!parent.group.empty()) errors.invalid_all(at.child("group"), parent.group, apimachinery::check_dns_subdomain(parent.group));
    const auto segment = [&](std::string_view field, const std::string& value, bool needed) {
      if (value.empty()) {
        if (needed) errors.required(at.child(field));
      } else {
        errors.invalid_all(at.child(field), value, apimachinery::check_path_segment_name(value));
      }
    };
    segment("resource", parent.resource, true);
    segment("name", parent.name, true);
    segment("namespace", parent.namespace_, false);
  }
  void validate_update(const RequestScope&, const networking::IPAddress& address, const networking::IPAddress& old,
                       FieldErrors& errors) const override {
    const auto text = [](const networking::IPAddress& a) {
      return a.spec.parent_ref
                 ? a.spec.parent_ref->group + "/" + a.spec.parent_ref->resource + "/" + a.spec.parent_ref->namespace_ + "/" + a.spec.parent_ref->name
                 : "";
    };
    if (text(address) != text(old)) errors.invalid(FieldPath("spec", "parentRef"), apimachinery::BadValue::raw("{...}"), "field is immutable");
  }
  void table_cells(const networking::IPAddress& address, registry::TableCells& cells) const override {
    std::string parent;
    if (const auto& reference = address.spec.parent_ref) {
      parent = reference->resource + (reference->group.empty() ? "" : "." + reference->group) + "/" +
               (reference->namespace_.empty() ? "" : reference->namespace_ + "/") + reference->name;
    }
    cells.emplace_back(address.metadata.name);
    cells.emplace_back(parent);
    cells.push_back(registry::TableCell::age(address.metadata.creation_timestamp));
  }
};

}  // namespace

registry::ResourceDefinition service_cidrs() {
  registry::ResourceDefinition out;
  out.resource = {"networking.k8s.io", "servicecidrs"};
  out.strategy = std::make_shared<ServiceCIDRStrategy>();
  out.has_status = true;
  return out;
}

registry::ResourceDefinition ip_addresses() {
  registry::ResourceDefinition out;
  out.resource = {"networking.k8s.io", "ipaddresses"};
  out.strategy = std::make_shared<IPAddressStrategy>();
  out.name_rule = registry::NameRule::Any;
  out.selectable_fields = {{"spec.parentRef.group"}, {"spec.parentRef.resource"}, {"spec.parentRef.namespace"}, {"spec.parentRef.name"}};
  return out;
}

}  // namespace pintle::apiserver::resources
