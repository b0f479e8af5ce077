#include "apiserver/authentication/reviews.h"
#include "apiserver/registry/action.h"
#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {
namespace {

using api::authentication_v1::SelfSubjectReview;
using api::authentication_v1::TokenReview;

class TokenReviewAction : public registry::Action {
 public:
  TokenReviewAction(authentication::TokenAuthenticator* tokens, std::vector<std::string> audiences)
      : tokens_(tokens), audiences_(std::move(audiences)) {}
  rt::Task<Result<api::Object>> run(RequestScope& scope, registry::Admitted body) override {
    TokenReview question = std::move(body.object().as<TokenReview>());
    auto answer = co_await authentication::review(scope.ctx, *tokens_, audiences_, std::move(question));
    if (!answer) co_return Unexpected(std::move(answer.error()));
    co_return api::Object::of<TokenReview>(std::move(*answer));
  }

 private:
  authentication::TokenAuthenticator* const tokens_;
  const std::vector<std::string> audiences_;
};

class SelfSubjectReviewAction : public registry::Action {
 public:
  rt::Task<Result<api::Object>> run(RequestScope& scope, registry::Admitted body) override {
    co_return api::Object::of<SelfSubjectReview>(authentication::review(scope.user, scope.now, std::move(body.object().as<SelfSubjectReview>())));
  }
};

}  // namespace

void add_authentication(const Deps& deps, Definitions& out) {
  const std::string group = "authentication.k8s.io";
  out.push_back({.resource = {group, "tokenreviews"}, .create_action = std::make_shared<TokenReviewAction>(deps.tokens, deps.audiences)});
  out.push_back({.resource = {group, "selfsubjectreviews"}, .create_action = std::make_shared<SelfSubjectReviewAction>()});
}

}  // namespace pintle::apiserver::resources
