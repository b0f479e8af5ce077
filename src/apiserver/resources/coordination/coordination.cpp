#include "api/gen/coordination_v1.h"
#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {
namespace {

namespace coordination = api::coordination_v1;

class LeaseStrategy : public registry::TypedStrategy<coordination::Lease> {
 public:
  void validate(const RequestScope&, const coordination::Lease& lease, FieldErrors& errors) const override {
    const FieldPath at("spec");
    if (lease.spec.lease_duration_seconds && *lease.spec.lease_duration_seconds <= 0)
      errors.invalid(at.child("leaseDurationSeconds"), *lease.spec.lease_duration_seconds, "must be greater than 0");
    if (lease.spec.lease_transitions && *lease.spec.lease_transitions < 0)
      errors.invalid(at.child("leaseTransitions"), *lease.spec.lease_transitions, "must be greater than or equal to 0");
    if (lease.spec.preferred_holder && !lease.spec.preferred_holder->empty() && lease.spec.strategy.value_or("").empty())
      errors.forbidden(at.child("preferredHolder"), "may only be specified when `strategy` is defined");
  }
  void table_cells(const coordination::Lease& lease, registry::TableCells& cells) const override {
    cells.emplace_back(lease.metadata.name);
    cells.emplace_back(lease.spec.holder_identity.value_or(""));
    cells.push_back(registry::TableCell::age(lease.metadata.creation_timestamp));
  }
};

}  // namespace

void add_coordination(Definitions& out) {
  registry::ResourceDefinition leases;
  leases.resource = {"coordination.k8s.io", "leases"};
  leases.strategy = std::make_shared<LeaseStrategy>();
  leases.allow_create_on_update = true;
  leases.allow_unconditional_update = false;
  out.push_back(std::move(leases));
}

}  // namespace pintle::apiserver::resources
