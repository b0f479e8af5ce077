#include "apiserver/authentication/reviews.h"

#include <algorithm>

#include "apimachinery/clock_time.h"

namespace pintle::apiserver::authentication {

using api::authentication_v1::SelfSubjectReview;
using api::authentication_v1::TokenReview;

api::authentication_v1::UserInfo to_api(const UserInfo& user) {
  api::authentication_v1::UserInfo out;
  out.username = user.name;
  out.uid = user.uid;
  out.groups = user.groups;
  out.extra = user.extra;
  return out;
}

rt::Task<Result<TokenReview>> review(rt::Context ctx, TokenAuthenticator& tokens, std::vector<std::string> audiences, TokenReview review) {
  if (review.spec.token.empty()) co_return bad_request("token is required for TokenReview in authentication");
  if (!review.metadata.namespace_.empty()) co_return bad_request("namespace is not allowed on this type: " + review.metadata.namespace_);
  if (!review.spec.audiences.empty()) audiences = review.spec.audiences;
  review.status = {};
  auto result = co_await tokens.authenticate_token(ctx, review.spec.token, audiences);
  if (!result) {
    review.status.error = "[invalid bearer token, " + result.error().message + "]";
    co_return review;
  }
  if (!*result) {
    review.status.error = "invalid bearer token";
    co_return review;
  }
  UserInfo& user = (*result)->user;
  if (!user.in_group(group_authenticated) && !user.in_group(group_unauthenticated)) user.groups.emplace_back(group_authenticated);
  review.status.authenticated = true;
  review.status.user = to_api(user);
  review.status.audiences = std::move((*result)->audiences);
  co_return review;
}

SelfSubjectReview review(const UserInfo& user, rt::WallTime now, SelfSubjectReview review) {
  review.metadata.creation_timestamp = apimachinery::to_api_time(now);
  review.status.user_info = to_api(user);
  return review;
}

}  // namespace pintle::apiserver::authentication
