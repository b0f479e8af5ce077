#include <algorithm>
#include <array>

#include "api/gen/core_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

constexpr std::string_view name_label = "kubernetes.io/metadata.name";

void validate_finalizers(const core::Namespace& ns, FieldErrors& errors) {
  for (std::size_t i = 0; i < ns.spec.finalizers.size(); ++i) {
    const std::string& name = ns.spec.finalizers[i];
    errors.invalid_all(FieldPath("spec", "finalizers").index(i), name, apimachinery::check_qualified_name(name));
    if (name.find('/') == std::string::npos && name != "kubernetes") {
      errors.invalid(FieldPath("spec", "finalizers").index(i), name, "name is neither a standard finalizer name nor is it fully qualified");
    }
  }
}

class NamespaceStrategy : public registry::TypedStrategy<core::Namespace> {
 public:
  void set_defaults(core::Namespace& ns) const override {
    // Every namespace can be selected by its name.
    if (!ns.metadata.name.empty()) ns.metadata.labels[name_label] = ns.metadata.name;
  }
  void prepare_for_create(const RequestScope&, core::Namespace& ns) const override {
    ns.status = core::NamespaceStatus();
    ns.status.phase = "Active";
    if (std::find(ns.spec.finalizers.begin(), ns.spec.finalizers.end(), "kubernetes") == ns.spec.finalizers.end())
      ns.spec.finalizers.emplace_back("kubernetes");
  }
  void prepare_for_update(const RequestScope&, core::Namespace& ns, const core::Namespace& old) const override {
    ns.spec.finalizers = old.spec.finalizers;
    ns.status = old.status;
  }
  void mark_deleted(const RequestScope&, core::Namespace& ns) const override {
    ns.status.phase = "Terminating";
    ns.metadata.deletion_grace_period_seconds.reset();  // its end is the namespace controller's affair
  }
  bool may_remove(const core::Namespace& ns) const override { return ns.spec.finalizers.empty(); }
  Result<Unit> validate_delete(const RequestScope&, const core::Namespace& ns) const override {
    // These hold the cluster together.
    for (const std::string_view kept : {"default", "kube-public", "kube-system"})
      if (ns.metadata.name == kept) return Unexpected(errors::forbidden({"", "namespaces"}, ns.metadata.name, "this namespace may not be deleted"));
    return Unit{};
  }
  void validate(const RequestScope&, const core::Namespace& ns, FieldErrors& errors) const override { validate_finalizers(ns, errors); }
  void table_cells(const core::Namespace& ns, registry::TableCells& cells) const override {
    cells.emplace_back(ns.metadata.name);
    cells.emplace_back(ns.status.phase);
    cells.push_back(registry::TableCell::age(ns.metadata.creation_timestamp));
  }
};

class NamespaceStatusStrategy : public registry::TypedStrategy<core::Namespace> {
 public:
  void prepare_for_update(const RequestScope&, core::Namespace& ns, const core::Namespace& old) const override { ns.spec = old.spec; }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const core::Namespace& ns, const core::Namespace&, FieldErrors& errors) const override {
    const bool terminating = ns.metadata.deletion_timestamp.has_value();
    if (!terminating && ns.status.phase != "Active")
      errors.invalid(FieldPath("status", "Phase"), ns.status.phase, "may only be 'Active' if `deletionTimestamp` is empty");
    if (terminating && ns.status.phase != "Terminating")
      errors.invalid(FieldPath("status", "Phase"), ns.status.phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
  }
};

class NamespaceFinalizeStrategy : public registry::TypedStrategy<core::Namespace> {
 public:
  void prepare_for_update(const RequestScope&, core::Namespace& ns, const core::Namespace& old) const override { ns.status = old.status; }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const core::Namespace& ns, const core::Namespace&, FieldErrors& errors) const override {
    validate_finalizers(ns, errors);
  }
};

}  // namespace

registry::ResourceDefinition namespaces() {
  registry::ResourceDefinition out;
  out.resource = {"", "namespaces"};
  out.strategy = std::make_shared<NamespaceStrategy>();
  out.has_status = true;
  out.name_rule = registry::NameRule::DnsLabel;
  out.return_deleted_object = true;
  out.selectable_fields = {{"status.phase"}, {"name", "metadata.name"}};
  out.parts = {{.name = "status", .strategy = std::make_shared<NamespaceStatusStrategy>()},
               {.name = "finalize", .strategy = std::make_shared<NamespaceFinalizeStrategy>(), .reset_fields = {}}};
  return out;
}

}  // namespace pintle::apiserver::resources
