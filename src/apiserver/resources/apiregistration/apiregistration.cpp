#include <array>
#include <string>

#include "api/gen/apiregistration_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/registry/object_steps.h"
#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {
namespace {

namespace apiregistration = api::apiregistration_v1;

constexpr int32_t group_priority_max = 20000;
constexpr int32_t version_priority_max = 1000;

void validate_name(const apiregistration::APIService& service, FieldErrors& errors) {
  const std::string& name = service.metadata.name;
  if (name.empty()) return;  // said with the metadata
  const FieldPath path("metadata", "name");
  const auto faults = apimachinery::check_path_segment_name(name);
  const std::string wanted = service.spec.version + "." + service.spec.group;
  errors.invalid_all(path, name, faults);
  if (faults.empty() && name != wanted) errors.invalid(path, name, "must be the version and the group, joined by a dot: \"" + wanted + "\"");
}

void validate_backend(const apiregistration::APIServiceSpec& spec, FieldErrors& errors) {
  const FieldPath at("spec");
  if (!spec.service) {
    if (!spec.ca_bundle.empty())
      errors.invalid(at.child("caBundle"), std::to_string(spec.ca_bundle.size()) + " bytes", "is not for a group that this server serves itself");
    if (spec.insecure_skip_tls_verify) errors.invalid(at.child("insecureSkipTLSVerify"), true, "is not for a group that this server serves itself");
    return;
  }
  const FieldPath service = at.child("service");
  if (spec.service->namespace_.empty()) errors.required(service.child("namespace"));
  if (spec.service->name.empty()) errors.required(service.child("name"));
  const int32_t port = spec.service->port.value_or(0);
  for (const auto& fault : apimachinery::check_port_number(port)) errors.invalid(service.child("port"), port, "port is not valid: " + fault);
  if (spec.insecure_skip_tls_verify && !spec.ca_bundle.empty())
    errors.invalid(at.child("insecureSkipTLSVerify"), true, "may not be true if caBundle is present");
}

std::string available(const apiregistration::APIService& service) {
  for (const auto& condition : service.status.conditions)
    if (condition.type == "Available") return condition.status == "True" ? condition.status : condition.status + " (" + condition.reason + ")";
  return "Unknown";
}

class APIServiceStrategy : public registry::TypedStrategy<apiregistration::APIService> {
 public:
  void prepare_for_create(const RequestScope& scope, apiregistration::APIService& service) const override {
    service.status = {};
    if (service.spec.service) return;
    apiregistration::APIServiceCondition condition;
    condition.type = "Available";
    condition.status = "True";
    condition.reason = "Local";
    condition.message = "Local APIServices are always available";
    condition.last_transition_time = apimachinery::to_api_time(scope.now);
    service.status.conditions.push_back(std::move(condition));
  }
  void validate(const RequestScope&, const apiregistration::APIService& service, FieldErrors& errors) const override {
    validate_name(service, errors);
    const auto& spec = service.spec;
    const FieldPath at("spec");
    if (spec.group.empty() && spec.version != "v1") errors.required(at.child("group"), "only v1 may be without a group");
    if (!spec.group.empty()) errors.invalid_all(at.child("group"), spec.group, apimachinery::check_dns_subdomain(spec.group));
    errors.invalid_all(at.child("version"), spec.version, apimachinery::check_dns1035_label(spec.version));
    if (spec.group_priority_minimum <= 0 || spec.group_priority_minimum > group_priority_max)
      errors.invalid(at.child("groupPriorityMinimum"), spec.group_priority_minimum, "must be between 1 and 20000");
    if (spec.version_priority <= 0 || spec.version_priority > version_priority_max)
      errors.invalid(at.child("versionPriority"), spec.version_priority, "must be between 1 and 1000");
    validate_backend(spec, errors);
  }
  void table_cells(const apiregistration::APIService& service, registry::TableCells& cells) const override {
    cells.emplace_back(service.metadata.name);
    cells.emplace_back(service.spec.service ? service.spec.service->namespace_ + "/" + service.spec.service->name : std::string("Local"));
    cells.emplace_back(available(service));
    cells.push_back(registry::TableCell::age(service.metadata.creation_timestamp));
  }
};

class StatusStrategy : public registry::TypedStrategy<apiregistration::APIService> {
 public:
  void prepare_for_update(const RequestScope&, apiregistration::APIService& service, const apiregistration::APIService& old) const override {
    service.spec = old.spec;
    service.metadata.labels = old.metadata.labels;
    service.metadata.annotations = old.metadata.annotations;
    service.metadata.finalizers = old.metadata.finalizers;
    service.metadata.owner_references = old.metadata.owner_references;
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const apiregistration::APIService& service, const apiregistration::APIService&,
                       FieldErrors& errors) const override {
    constexpr std::array<std::string_view, 3> statuses{"True", "False", "Unknown"};
    const FieldPath conditions("status", "conditions");
    for (std::size_t i = 0; i < service.status.conditions.size(); ++i) {
      const std::string& status = service.status.conditions[i].status;
      if (std::find(statuses.begin(), statuses.end(), status) == statuses.end())
        errors.not_listed(conditions.index(i).child("status"), status, statuses);
    }
  }
};

}  // namespace

void add_apiregistration(Definitions& out) {
  registry::ResourceDefinition services;
  services.resource = {"apiregistration.k8s.io", "apiservices"};
  services.key_prefix = "apiregistration.k8s.io/apiservices";
  services.strategy = std::make_shared<APIServiceStrategy>();
  services.has_status = true;
  services.name_rule = registry::NameRule::Any;
  services.allow_unconditional_update = false;
  services.reset_fields = {"status"};
  services.parts = {{.name = "status", .strategy = std::make_shared<StatusStrategy>(), .reset_fields = {"spec", "metadata"}}};
  out.push_back(std::move(services));
}

}  // namespace pintle::apiserver::resources
