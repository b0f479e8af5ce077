// The review kinds of authorization.k8s.io: a question about rights, answered and not stored.
#pragma once

#include "api/gen/authorization_v1.h"
#include "apiserver/authorization/authorizer.h"

namespace pintle::apiserver::authorization {

// Each fills in `status`, or answers Invalid / BadRequest. The authorizer outlives the task.
rt::Task<Result<api::authorization_v1::SubjectAccessReview>> review(rt::Context ctx, Authorizer& authorizer,
                                                                    api::authorization_v1::SubjectAccessReview review);
// `ns`: of the request's path.
rt::Task<Result<api::authorization_v1::LocalSubjectAccessReview>> review(rt::Context ctx, Authorizer& authorizer, std::string ns,
                                                                         api::authorization_v1::LocalSubjectAccessReview review);
rt::Task<Result<api::authorization_v1::SelfSubjectAccessReview>> review(rt::Context ctx, Authorizer& authorizer, UserInfo user,
                                                                        api::authorization_v1::SelfSubjectAccessReview review);
Result<api::authorization_v1::SelfSubjectRulesReview> review(Authorizer& authorizer, const UserInfo& user,
                                                             api::authorization_v1::SelfSubjectRulesReview review);

}  // namespace pintle::apiserver::authorization
