// AccessDecisions: what the authorizer says to the expressions of one request. Each question is asked once; one that an authorizer has to
// wait for is noted, and the evaluation that asked it runs again once fetch() has the answer (apimachinery/cel/authorizer.h).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "apimachinery/cel/authorizer.h"
#include "apiserver/authorization/authorizer.h"
#include "apiserver/types/user_info.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::apiserver::admission::expressions {

// Of one request, in one thread at a time. As large as the questions of its expressions, which cost 350,000 each out of their budgets.
class AccessDecisions final : public apimachinery::cel::AccessDecisions {
 public:
  // Both outlive it; nullptr: nobody is known, and nothing is allowed.
  AccessDecisions(const UserInfo* user, authorization::Authorizer* authorizer) : user_(user), authorizer_(authorizer) {}

  std::optional<apimachinery::cel::AccessAnswer> decide(const apimachinery::cel::AccessQuestion& question) override;
  // Whether an evaluation since the last fetch() ended for want of an answer.
  bool pending() const { return pending_.has_value(); }
  // Asks what is pending. Timeout or Cancelled: `ctx` ended.
  rt::Task<Result<Unit>> fetch(rt::Context ctx);

 private:
  struct Pending {
    std::string key;
    authorization::AuthorizationAttributes attributes;
  };
  const UserInfo* user_;
  authorization::Authorizer* authorizer_;
  std::map<std::string, apimachinery::cel::AccessAnswer, std::less<>> answers_;
  std::optional<Pending> pending_;
};

}  // namespace pintle::apiserver::admission::expressions
