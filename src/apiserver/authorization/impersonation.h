// Impersonation: a request made in the name of another user (Impersonate-User, -Group, -Uid, -Extra-*), if its real user
// may impersonate each part of that identity.
#pragma once

#include <optional>
#include <vector>

#include "apiserver/authorization/authorizer.h"
#include "net/http.h"

namespace pintle::apiserver::authorization {

// Whom a request asks to be, and the rights that its real user needs for that.
struct Impersonation {
  UserInfo user;
  std::vector<AuthorizationAttributes> needed;
};
// nullopt: no such headers. BadRequest-like InternalError: parts of an identity without a user, as upstream answers.
Result<std::optional<Impersonation>> read_impersonation(const net::Headers& headers, const UserInfo& real_user);

// The user to act as: `real_user` without impersonation headers, else the impersonated one. Forbidden if a right is missing.
// Authorizer and headers outlive the task.
rt::Task<Result<UserInfo>> impersonate(rt::Context ctx, Authorizer& authorizer, const net::Headers& headers, UserInfo real_user);
// Quick test, so that a request without the headers need not pay for a task.
bool wants_impersonation(const net::Headers& headers);
// Removes the headers, once they have been obeyed.
void drop_impersonation_headers(net::Headers& headers);

}  // namespace pintle::apiserver::authorization
