#include <set>
#include <string_view>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "rules/resource_names.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using namespace apimachinery;

constexpr int64_t milli = 1000;

bool is_standard_container_resource(std::string_view name) {
  return name == "cpu" || name == "memory" || name == "ephemeral-storage" || rules::is_huge_pages(name);
}

void validate_resource_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  const Faults faults = check_qualified_name(name);
  errors.invalid_all(path, name, faults);
  if (!faults.empty()) return;
  if (!name.contains('/')) {
    if (!is_standard_container_resource(name)) errors.invalid(path, name, "must be a standard resource for containers");
  } else if (!rules::is_native_resource(name) && !rules::is_extended_resource(name)) {
    errors.invalid(path, name, "doesn't follow extended resource name standard");
  }
}

}  // namespace

bool is_integer_resource(std::string_view name) {
  return name == "pods" || name == "services" || name == "replicationcontrollers" || name == "resourcequotas" || name == "secrets" ||
         name == "configmaps" || name == "persistentvolumeclaims" || name == "services.nodeports" || name == "services.loadbalancers" ||
         rules::is_extended_resource(name);
}

void validate_resource_quantity(std::string_view resource, const api::Quantity& quantity, const FieldPath& path, FieldErrors& errors) {
  if (quantity.sign() < 0) errors.invalid(path, quantity.text(), "must be greater than or equal to 0");
  if (is_integer_resource(resource) && quantity.milli_value() % milli != 0)
    errors.invalid(path, BadValue::raw(quantity.text()), "must be an integer");
}

void validate_resource_requirements(const core::ResourceRequirements& requirements, const FieldPath& path, FieldErrors& errors) {
  bool limits_cpu_or_memory = false;
  bool hugepages = false;
  for (const auto& [name, quantity] : requirements.limits) {
    const FieldPath at = path.child("limits").key(name);
    validate_resource_name(name, at, errors);
    validate_resource_quantity(name, quantity, at, errors);
    limits_cpu_or_memory |= name == "cpu" || name == "memory";
    hugepages |= rules::is_huge_pages(name);
  }
  bool requests_cpu_or_memory = false;
  for (const auto& [name, quantity] : requirements.requests) {
    const FieldPath at = path.child("requests").key(name);
    validate_resource_name(name, at, errors);
    validate_resource_quantity(name, quantity, at, errors);
    const api::Quantity* limit = requirements.limits.get(name);
    const bool overcommits = rules::is_overcommitted(name);
    if (limit != nullptr) {
      if (!overcommits && quantity != *limit) {
        errors.invalid(path.child("requests"), quantity.text(), "must be equal to " + name + " limit of " + limit->text());
      } else if (quantity.compare(*limit) > 0) {
        errors.invalid(path.child("requests"), quantity.text(), "must be less than or equal to " + name + " limit of " + limit->text());
      }
    } else if (!overcommits) {
      errors.required(path.child("limits"), "limit must be set for resources that cannot be overcommitted");
    }
    hugepages |= rules::is_huge_pages(name);
    requests_cpu_or_memory |= name == "cpu" || name == "memory";
  }
  if (hugepages && !limits_cpu_or_memory && !requests_cpu_or_memory) errors.forbidden(path, "HugePages require cpu or memory");
  std::set<std::string_view> claims;
  for (std::size_t i = 0; i < requirements.claims.size(); ++i)
    if (requirements.claims[i].name.empty()) {
      errors.required(path.child("claims").index(i).child("name"));
    } else if (!claims.insert(requirements.claims[i].name).second) {
      errors.duplicate(path.child("claims").index(i), requirements.claims[i].name);
    }
}

}  // namespace pintle::apiserver::resources
