// The review kinds of authorization.k8s.io: a question about rights, answered and not stored.
#pragma once

#include <memory>

#include "api/gen/authorization_v1.h"
#include "apiserver/authorization/authorizer.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver {

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

// The same as what a ResourceDefinition's create_action runs. The authorizer outlives them.
std::shared_ptr<Action> subject_access_review_action(Authorizer& authorizer);
std::shared_ptr<Action> local_subject_access_review_action(Authorizer& authorizer);
std::shared_ptr<Action> self_subject_access_review_action(Authorizer& authorizer);
std::shared_ptr<Action> self_subject_rules_review_action(Authorizer& authorizer);

}  // namespace pintle::apiserver
