#include "api/gen/core_v1.h"
#include "apiserver/resources/core/core.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

class ServiceAccountStrategy : public TypedStrategy<core::ServiceAccount> {
 public:
  void prepare_for_create(const RequestScope&, core::ServiceAccount& account) const override {
    // Only the names of secrets count.
    for (core::ObjectReference& secret : account.secrets) {
      core::ObjectReference kept;
      kept.name = std::move(secret.name);
      secret = std::move(kept);
    }
  }
  void prepare_for_update(const RequestScope& scope, core::ServiceAccount& account, const core::ServiceAccount&) const override {
    prepare_for_create(scope, account);
  }
  void table_cells(const core::ServiceAccount& account, TableCells& cells) const override {
    cells.emplace_back(account.metadata.name);
    cells.push_back(TableCell::age(account.metadata.creation_timestamp));
  }
};

}  // namespace

ResourceDefinition service_accounts() {
  return {.resource = {"", "serviceaccounts"}, .strategy = std::make_shared<ServiceAccountStrategy>(), .return_deleted_object = true};
}

}  // namespace pintle::apiserver::resources
