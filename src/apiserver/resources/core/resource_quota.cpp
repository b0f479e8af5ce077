#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "api/gen/core_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/resources/core/pod_spec.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

constexpr std::array<std::string_view, 7> scopes{"BestEffort",  "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass",
                                                 "Terminating", "VolumeAttributesClass"};

bool is_quota_resource(std::string_view name) {
  constexpr std::array<std::string_view, 20> standard{"cpu",
                                                      "memory",
                                                      "ephemeral-storage",
                                                      "requests.cpu",
                                                      "requests.memory",
                                                      "requests.storage",
                                                      "requests.ephemeral-storage",
                                                      "limits.cpu",
                                                      "limits.memory",
                                                      "limits.ephemeral-storage",
                                                      "pods",
                                                      "resourcequotas",
                                                      "services",
                                                      "replicationcontrollers",
                                                      "secrets",
                                                      "persistentvolumeclaims",
                                                      "configmaps",
                                                      "services.nodeports",
                                                      "services.loadbalancers",
                                                      "storage"};
  return std::find(standard.begin(), standard.end(), name) != standard.end() || name.starts_with("hugepages-") ||
         name.starts_with("requests.hugepages-");
}

// Compute resources that only pods with requests have, for the scopes that select such pods.
bool is_pod_compute(std::string_view name) {
  return name == "pods" || name == "cpu" || name == "memory" || name == "requests.cpu" || name == "requests.memory" || name == "limits.cpu" ||
         name == "limits.memory";
}

bool scope_fits(std::string_view scope, std::string_view resource) {
  if (scope == "BestEffort") return resource == "pods";
  if (scope == "VolumeAttributesClass") return resource == "persistentvolumeclaims" || resource.find("storage") != std::string_view::npos;
  return is_pod_compute(resource);
}

std::string list_text(const core::ResourceQuota& quota, bool limits) {
  std::string out;
  for (const auto& [name, hard] : quota.spec.hard) {
    if (name.starts_with("limits.") != limits) continue;
    const api::Quantity* used = quota.status.used.get(name);
    const api::Quantity* of = quota.status.hard.get(name);
    out += fmt::format("{}{}: {}/{}", out.empty() ? "" : ", ", name, used ? used->text() : "0", of ? of->text() : "0");
  }
  return out;
}

class ResourceQuotaStrategy : public registry::TypedStrategy<core::ResourceQuota> {
 public:
  void validate(const RequestScope&, const core::ResourceQuota& quota, FieldErrors& errors) const override {
    for (const auto& [name, quantity] : quota.spec.hard) {
      const FieldPath at = FieldPath("spec", "hard").key(name);
      errors.invalid_all(at, name, apimachinery::check_qualified_name(name));
      if (name.find('/') == std::string::npos && !is_quota_resource(name)) errors.invalid(at, name, "must be a standard resource for quota");
      validate_resource_quantity(name, quantity, at, errors);
    }
    validate_scopes(quota, errors);
  }
  void validate_update(const RequestScope&, const core::ResourceQuota& quota, const core::ResourceQuota& old, FieldErrors& errors) const override {
    const std::set<std::string_view> now(quota.spec.scopes.begin(), quota.spec.scopes.end());
    const std::set<std::string_view> before(old.spec.scopes.begin(), old.spec.scopes.end());
    if (now != before) errors.invalid(FieldPath("spec", "scopes"), apimachinery::BadValue::raw("[...]"), "field is immutable");
  }
  void table_cells(const core::ResourceQuota& quota, registry::TableCells& cells) const override {
    cells.emplace_back(quota.metadata.name);
    cells.emplace_back(list_text(quota, false));
    cells.emplace_back(list_text(quota, true));
    cells.push_back(registry::TableCell::age(quota.metadata.creation_timestamp));
  }

 private:
  static void validate_scopes(const core::ResourceQuota& quota, FieldErrors& errors) {
    const FieldPath path("spec", "scopes");
    std::map<std::string_view, bool> given;  // and whether every limit fits it
    for (const std::string& scope : quota.spec.scopes) {
      const auto [it, first] = given.try_emplace(scope);
      if (first)
        it->second = std::all_of(quota.spec.hard.begin(), quota.spec.hard.end(), [&](const auto& limit) { return scope_fits(scope, limit.first); });
      if (std::find(scopes.begin(), scopes.end(), scope) == scopes.end()) {
        errors.invalid(path, scope, "unsupported scope");
      } else if (!it->second) {
        errors.invalid(path, scope, "unsupported scope applied to resource");
      }
    }
    const auto both = [&](std::string_view a, std::string_view b) {
      if (given.contains(a) && given.contains(b)) errors.invalid(path, apimachinery::BadValue::raw("[...]"), "conflicting scopes");
    };
    both("BestEffort", "NotBestEffort");
    both("Terminating", "NotTerminating");
  }
};

}  // namespace

registry::ResourceDefinition resource_quotas() {
  registry::ResourceDefinition out;
  out.resource = {"", "resourcequotas"};
  out.strategy = std::make_shared<ResourceQuotaStrategy>();
  out.has_status = true;
  out.return_deleted_object = true;
  return out;
}

}  // namespace pintle::apiserver::resources
