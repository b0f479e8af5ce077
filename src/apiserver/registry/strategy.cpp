#include "apiserver/registry/strategy.h"

#include "api/gen/meta_v1.h"
#include "apiserver/registry/object_steps.h"
#include "apiserver/registry/resource_codec.h"

namespace pintle::apiserver::registry {

rt::Task<Result<Unit>> Strategy::check(RequestScope&, const api::Object&, const api::Object*) const { co_return Unit{}; }
rt::Task<Result<Finish>> Strategy::begin_create(RequestScope&, api::Object&) const { co_return Finish{}; }
rt::Task<Result<Finish>> Strategy::begin_update(RequestScope&, api::Object&, const api::Object&) const { co_return Finish{}; }

namespace {
class StatusAlone : public Strategy {
 public:
  void prepare_for_update(const RequestScope&, api::Object& object, const api::Object& old) const override {
    keep_all_but_status(object, old);
    keep_client_metadata(object_meta(object), object_meta(old));
  }
  bool validate_update_includes_validate() const override { return false; }
};
}  // namespace

PartSubresource status_alone() { return {.name = "status", .strategy = std::make_shared<StatusAlone>(), .reset_fields = {"spec", "metadata"}}; }

void Strategy::table_cells(const api::Object& object, TableCells& cells) const {
  const auto& meta = object_meta(object);
  cells.emplace_back(meta.name);
  cells.push_back(TableCell::age(meta.creation_timestamp));
}

}  // namespace pintle::apiserver::registry
