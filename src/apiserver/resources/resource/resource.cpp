#include "apiserver/resources/resource/resource.h"

#include "api/codec.h"
#include "apimachinery/clock_time.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/resources.h"
#include "rules/resource_names.h"

namespace pintle::apiserver::resources {
namespace {

namespace v1 = api::resource_v1;

class DeviceClassStrategy : public registry::TypedStrategy<v1::DeviceClass> {
 public:
  void validate(const RequestScope&, const v1::DeviceClass& device_class, FieldErrors& errors) const override {
    const FieldPath path("spec");
    device::validate_selectors(device_class.spec.selectors, path.child("selectors"), errors);
    const auto& configs = device_class.spec.config;
    if (configs.size() > device::configs_max) {
      errors.too_many(path.child("config"), configs.size(), device::configs_max);
    } else {
      for (std::size_t i = 0; i < configs.size(); ++i) device::validate_opaque(configs[i], path.child("config").index(i), errors);
    }
    const auto& name = device_class.spec.extended_resource_name;
    if (name && !rules::is_extended_resource(*name))
      errors.invalid(path.child("extendedResourceName"), *name, "must be the name of an extended resource");
  }
};

class ResourceClaimStrategy : public registry::TypedStrategy<v1::ResourceClaim> {
 public:
  void set_defaults(v1::ResourceClaim& claim) const override { device::default_claim(claim.spec); }
  void validate(const RequestScope&, const v1::ResourceClaim& claim, FieldErrors& errors) const override {
    device::validate_claim(claim.spec, FieldPath("spec"), errors);
  }
  // The spec is immutable, which the schema sees to: there is nothing else to look at.
  bool validate_update_includes_validate() const override { return false; }
  void table_cells(const v1::ResourceClaim& claim, registry::TableCells& cells) const override {
    const bool deleted = claim.metadata.deletion_timestamp.has_value();
    std::string state = deleted ? "deleted" : "";
    if (!claim.status.allocation) {
      if (!deleted) state = "pending";
    } else {
      state += state.empty() ? "allocated" : ",allocated";
      if (!claim.status.reserved_for.empty()) state += ",reserved";
    }
    cells.emplace_back(claim.metadata.name);
    cells.emplace_back(state);
    cells.push_back(registry::TableCell::age(claim.metadata.creation_timestamp));
  }
};

class ResourceClaimStatusStrategy : public registry::TypedStrategy<v1::ResourceClaim> {
 public:
  void prepare_for_update(const RequestScope&, v1::ResourceClaim& claim, const v1::ResourceClaim& old) const override {
    claim.spec = old.spec;
    auto managed = std::move(claim.metadata.managed_fields);
    auto version = std::move(claim.metadata.resource_version);
    claim.metadata = old.metadata;
    claim.metadata.managed_fields = std::move(managed);
    claim.metadata.resource_version = std::move(version);
    device::drop_deallocated(claim.status, old.status);
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const v1::ResourceClaim& claim, const v1::ResourceClaim& old, FieldErrors& errors) const override {
    device::validate_claim_status(claim, old, errors);
  }
};

class ResourceClaimTemplateStrategy : public registry::TypedStrategy<v1::ResourceClaimTemplate> {
 public:
  void set_defaults(v1::ResourceClaimTemplate& made) const override { device::default_claim(made.spec.spec); }
  void validate(const RequestScope&, const v1::ResourceClaimTemplate& made, FieldErrors& errors) const override {
    const FieldPath metadata("spec", "metadata");
    validate_labels(made.spec.metadata.labels, metadata.child("labels"), errors);
    device::validate_claim(made.spec.spec, FieldPath("spec", "spec"), errors);
  }
  bool validate_update_includes_validate() const override { return false; }
};

class ResourceSliceStrategy : public registry::TypedStrategy<v1::ResourceSlice> {
 public:
  void prepare_for_create(const RequestScope& scope, v1::ResourceSlice& slice) const override { stamp_taints(scope, slice); }
  void prepare_for_update(const RequestScope& scope, v1::ResourceSlice& slice, const v1::ResourceSlice&) const override {
    stamp_taints(scope, slice);
  }
  void validate(const RequestScope&, const v1::ResourceSlice& slice, FieldErrors& errors) const override {
    device::validate_slice(slice.spec, nullptr, errors);
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const v1::ResourceSlice& slice, const v1::ResourceSlice& old, FieldErrors& errors) const override {
    device::validate_slice(slice.spec, &old.spec, errors);
  }
  void table_cells(const v1::ResourceSlice& slice, registry::TableCells& cells) const override {
    cells.emplace_back(slice.metadata.name);
    cells.emplace_back(slice.spec.node_name.value_or(""));
    cells.emplace_back(slice.spec.driver);
    cells.emplace_back(slice.spec.pool.name);
    cells.push_back(registry::TableCell::age(slice.metadata.creation_timestamp));
  }

 private:
  static void stamp_taints(const RequestScope& scope, v1::ResourceSlice& slice) {
    const api::Time now = apimachinery::to_api_time(scope.now);
    for (auto& device : slice.spec.devices)
      for (auto& taint : device.taints)
        if (!taint.time_added) taint.time_added = now;
  }
};

template <class S>
registry::ResourceDefinition define(std::string_view resource, bool has_generation) {
  registry::ResourceDefinition made;
  made.resource = {"resource.k8s.io", std::string(resource)};
  made.strategy = std::make_shared<S>();
  made.has_generation = has_generation;
  made.return_deleted_object = true;
  return made;
}

}  // namespace

void add_resource(Definitions& out) {
  out.push_back(define<DeviceClassStrategy>("deviceclasses", true));
  registry::ResourceDefinition claims = define<ResourceClaimStrategy>("resourceclaims", false);
  claims.has_status = true;
  claims.reset_fields = {"status"};
  claims.parts = {{.name = "status", .strategy = std::make_shared<ResourceClaimStatusStrategy>(), .reset_fields = {"spec", "metadata"}}};
  out.push_back(std::move(claims));
  out.push_back(define<ResourceClaimTemplateStrategy>("resourceclaimtemplates", false));
  registry::ResourceDefinition slices = define<ResourceSliceStrategy>("resourceslices", true);
  slices.selectable_fields = {{.name = "spec.nodeName", .indexed = true}, {"spec.driver"}};
  out.push_back(std::move(slices));
}

}  // namespace pintle::apiserver::resources
