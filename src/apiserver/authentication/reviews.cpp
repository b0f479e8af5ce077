#include "apiserver/authentication/reviews.h"

#include <algorithm>

#include "apimachinery/clock_time.h"
#include "apiserver/authorization/authorizer.h"
#include "apiserver/registry/action.h"

namespace pintle::apiserver {
namespace {

using api::authentication_v1::SelfSubjectReview;
using api::authentication_v1::TokenReview;

class TokenReviewAction : public Action {
 public:
  TokenReviewAction(TokenAuthenticator& tokens, std::vector<std::string> audiences) : tokens_(tokens), audiences_(std::move(audiences)) {}
  rt::Task<Result<api::Object>> run(RequestScope& scope, Admitted body) override {
    TokenReview question = std::move(body.object().as<TokenReview>());
    auto answer = co_await review(scope.ctx, tokens_, audiences_, std::move(question));
    if (!answer) co_return Unexpected(std::move(answer.error()));
    co_return api::Object::of<TokenReview>(std::move(*answer));
  }

 private:
  TokenAuthenticator& tokens_;
  std::vector<std::string> audiences_;
};

class SelfSubjectReviewAction : public Action {
 public:
  rt::Task<Result<api::Object>> run(RequestScope& scope, Admitted body) override {
    co_return api::Object::of<SelfSubjectReview>(review(scope.user, scope.now, std::move(body.object().as<SelfSubjectReview>())));
  }
};

}  // namespace

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

std::shared_ptr<Action> token_review_action(TokenAuthenticator& tokens, std::vector<std::string> audiences) {
  return std::make_shared<TokenReviewAction>(tokens, std::move(audiences));
}
std::shared_ptr<Action> self_subject_review_action() { return std::make_shared<SelfSubjectReviewAction>(); }

}  // namespace pintle::apiserver
