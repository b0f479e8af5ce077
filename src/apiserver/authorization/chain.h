// The authorizers of a server, as --authorization-mode names them, in a row.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/authorization/authorizer.h"
#include "apiserver/authorization/node/pod_index.h"
#include "apiserver/authorization/rbac/index.h"
#include "apiserver/types/resource_reader.h"

namespace pintle::apiserver::authorization {

class UnionAuthorizer : public Authorizer {
 public:
  explicit UnionAuthorizer(std::vector<std::unique_ptr<Authorizer>> members) : members_(std::move(members)) {}
  std::optional<AuthorizationResult> authorize_now(const AuthorizationAttributes& attributes) override;
  rt::Task<AuthorizationResult> authorize(rt::Context ctx, const AuthorizationAttributes& attributes) override;
  UserRules rules_for(const UserInfo& user, const std::string& ns) override;

 private:
  std::vector<std::unique_ptr<Authorizer>> members_;
};

// BadRequest with one clear line for a mode that this build does not have, a mode named twice, or none.
Result<Unit> check_authorization_modes(const std::vector<std::string>& modes);

// Everything that decides over requests. Follows RBAC's objects and the pods through `reader`, which outlives it.
class Authorization {
 public:
  // `modes` have passed check_authorization_modes().
  Authorization(const std::vector<std::string>& modes, ResourceReader& reader);
  // Begins to follow those objects, from their present state on. Before requests are served.
  void start();
  Authorizer& authorizer() { return *authorizer_; }
  // For the escalation checks; kept current whatever the modes.
  const rbac::RbacIndex& rbac_index() const { return rbac_index_; }

 private:
  ResourceReader& reader_;
  rbac::RbacIndex rbac_index_;
  std::unique_ptr<node::PodIndex> pod_index_;
  std::unique_ptr<UnionAuthorizer> authorizer_;
};

}  // namespace pintle::apiserver::authorization
