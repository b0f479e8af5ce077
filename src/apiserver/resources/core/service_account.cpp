#include "api/gen/core_v1.h"
#include "apiserver/authentication/service_account/issuer.h"
#include "apiserver/registry/action.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using api::authentication_v1::TokenRequest;

class ServiceAccountStrategy : public registry::TypedStrategy<core::ServiceAccount> {
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
  void table_cells(const core::ServiceAccount& account, registry::TableCells& cells) const override {
    cells.emplace_back(account.metadata.name);
    cells.push_back(registry::TableCell::age(account.metadata.creation_timestamp));
  }
};

// serviceaccounts/token.
class TokenRequestAction : public registry::Action {
 public:
  explicit TokenRequestAction(authentication::service_account::TokenIssuer* issuer) : issuer_(issuer) {}
  Result<Unit> prepare(RequestScope& scope, api::Object& body) override {
    if (issuer_ == nullptr) return Unit{};  // run() says that there is none
    return issuer_->prepare(scope.ns, scope.name, body.as<TokenRequest>());
  }
  rt::Task<Result<api::Object>> run(RequestScope& scope, registry::Admitted body) override {
    if (issuer_ == nullptr) co_return Unexpected(errors::no_such_route());
    CO_TRY_ASSIGN(TokenRequest answer, issuer_->issue(scope.ns, scope.name, std::move(body.object().as<TokenRequest>()), scope.warnings));
    co_return api::Object::of<TokenRequest>(std::move(answer));
  }

 private:
  authentication::service_account::TokenIssuer* const issuer_;
};

}  // namespace

registry::ResourceDefinition service_accounts(authentication::service_account::TokenIssuer* issuer) {
  return {.resource = {"", "serviceaccounts"},
          .strategy = std::make_shared<ServiceAccountStrategy>(),
          .return_deleted_object = true,
          .actions = {{"token", std::make_shared<TokenRequestAction>(issuer)}}};
}

}  // namespace pintle::apiserver::resources
