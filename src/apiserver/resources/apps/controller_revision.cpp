#include "api/gen/apps_v1.h"
#include "apiserver/resources/apps/apps.h"
#include "apiserver/resources/apps/workload.h"
#include "base/strings.h"

namespace pintle::apiserver::resources {
namespace {

namespace apps = api::apps_v1;

class ControllerRevisionStrategy : public registry::TypedStrategy<apps::ControllerRevision> {
 public:
  void validate(const RequestScope&, const apps::ControllerRevision& revision, FieldErrors& errors) const override {
    if (revision.data.raw.empty()) errors.required(FieldPath("data"), "data is mandatory");
    non_negative(revision.revision, FieldPath("revision"), errors);
  }
  void validate_update(const RequestScope&, const apps::ControllerRevision& revision, const apps::ControllerRevision& old,
                       FieldErrors& errors) const override {
    if (revision.data != old.data) errors.invalid(FieldPath("data"), apimachinery::BadValue::raw("{...}"), "field is immutable");
  }
  void table_cells(const apps::ControllerRevision& revision, registry::TableCells& cells) const override {
    std::string owner = "<none>";
    for (const auto& reference : revision.metadata.owner_references) {
      if (!reference.controller.value_or(false)) continue;
      const std::size_t slash = reference.api_version.find('/');
      const std::string kind = to_lower(reference.kind);
      owner = kind + (slash == std::string::npos ? "" : "." + reference.api_version.substr(0, slash)) + "/" + reference.name;
    }
    cells.emplace_back(revision.metadata.name);
    cells.emplace_back(owner);
    cells.emplace_back(revision.revision);
    cells.push_back(registry::TableCell::age(revision.metadata.creation_timestamp));
  }
};

}  // namespace

registry::ResourceDefinition controller_revisions() {
  return {.resource = {"apps", "controllerrevisions"}, .strategy = std::make_shared<ControllerRevisionStrategy>()};
}

}  // namespace pintle::apiserver::resources
