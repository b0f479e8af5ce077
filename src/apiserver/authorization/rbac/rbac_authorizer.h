// RBAC: allowed if a rule of a role that is bound to the user or to one of the user's groups says so.
#pragma once

#include "apiserver/authorization/authorizer.h"
#include "apiserver/authorization/rbac/index.h"
#include "apiserver/types/resource_reader.h"

namespace pintle::apiserver::authorization::rbac {

// What a SelfSubjectRulesReview lists of a user's rules; the answer says when there are more.
constexpr std::size_t rules_listed_max = 4096;
constexpr std::size_t rules_listed_bytes_max = 1 << 20;

class RbacAuthorizer : public Authorizer {
 public:
  // The index outlives this.
  explicit RbacAuthorizer(const RbacIndex& index) : index_(index) {}
  std::optional<AuthorizationResult> authorize_now(const AuthorizationAttributes& attributes) override;
  UserRules rules_for(const UserInfo& user, const std::string& ns) override;

 private:
  const RbacIndex& index_;
};

// Follows roles and bindings from now on. The index outlives the reader's subscriptions.
void feed(RbacIndex& index, ResourceReader& reader);

}  // namespace pintle::apiserver::authorization::rbac
