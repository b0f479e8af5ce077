#include "api/gen/node_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {
namespace {

namespace node = api::node_v1;

class RuntimeClassStrategy : public registry::TypedStrategy<node::RuntimeClass> {
 public:
  void validate(const RequestScope&, const node::RuntimeClass& runtime, FieldErrors& errors) const override {
    if (runtime.handler.empty()) {
      errors.required(FieldPath("handler"));
    } else {
      errors.invalid_all(FieldPath("handler"), runtime.handler, apimachinery::check_dns_label(runtime.handler));
    }
    if (runtime.overhead)
      for (const auto& [name, quantity] : runtime.overhead->pod_fixed)
        validate_resource_quantity(name, quantity, FieldPath("overhead", "podFixed").key(name), errors);
    if (!runtime.scheduling) return;
    validate_labels(runtime.scheduling->node_selector, FieldPath("scheduling", "nodeSelector"), errors);
    validate_tolerations(runtime.scheduling->tolerations, false, FieldPath("scheduling", "tolerations"), errors);
  }
  void validate_update(const RequestScope&, const node::RuntimeClass& runtime, const node::RuntimeClass& old, FieldErrors& errors) const override {
    if (runtime.handler != old.handler) errors.invalid(FieldPath("handler"), runtime.handler, "field is immutable");
  }
  void table_cells(const node::RuntimeClass& runtime, registry::TableCells& cells) const override {
    cells.emplace_back(runtime.metadata.name);
    cells.emplace_back(runtime.handler);
    cells.push_back(registry::TableCell::age(runtime.metadata.creation_timestamp));
  }
};

}  // namespace

void add_node(Definitions& out) {
  out.push_back({.resource = {"node.k8s.io", "runtimeclasses"}, .strategy = std::make_shared<RuntimeClassStrategy>()});
}

}  // namespace pintle::apiserver::resources
