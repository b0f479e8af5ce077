// TokenReview and SelfSubjectReview (authentication.k8s.io): who a token stands for, and who I am.
#pragma once

#include <string>
#include <vector>

#include "api/gen/authentication_v1.h"
#include "apiserver/authentication/authenticator.h"
#include "rt/clock.h"

namespace pintle::apiserver::authentication {

// `audiences`: of this server, for a review that names none. The authenticator outlives the task.
rt::Task<Result<api::authentication_v1::TokenReview>> review(rt::Context ctx, TokenAuthenticator& tokens, std::vector<std::string> audiences,
                                                             api::authentication_v1::TokenReview review);
api::authentication_v1::SelfSubjectReview review(const UserInfo& user, rt::WallTime now, api::authentication_v1::SelfSubjectReview review);

api::authentication_v1::UserInfo to_api(const UserInfo& user);

}  // namespace pintle::apiserver::authentication
