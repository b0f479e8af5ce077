#include "apiserver/authorization/reviews.h"
#include "apiserver/registry/action.h"
#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {
namespace {

using namespace api::authorization_v1;

// Runs `ask` on the body of a review of type T.
template <class T, class Ask>
class ReviewAction : public registry::Action {
 public:
  ReviewAction(authorization::Authorizer* authorizer, Ask ask) : authorizer_(authorizer), ask_(ask) {}
  rt::Task<Result<api::Object>> run(RequestScope& scope, registry::Admitted body) override {
    auto answer = co_await ask_(*authorizer_, scope, std::move(body.object().as<T>()));
    if (!answer) co_return Unexpected(std::move(answer.error()));
    co_return api::Object::of<T>(std::move(*answer));
  }

 private:
  authorization::Authorizer* const authorizer_;
  const Ask ask_;
};

rt::Task<Result<SubjectAccessReview>> ask_subject(authorization::Authorizer& authorizer, const RequestScope& scope, SubjectAccessReview body) {
  return authorization::review(scope.ctx, authorizer, std::move(body));
}
rt::Task<Result<LocalSubjectAccessReview>> ask_local(authorization::Authorizer& authorizer, const RequestScope& scope,
                                                     LocalSubjectAccessReview body) {
  return authorization::review(scope.ctx, authorizer, scope.ns, std::move(body));
}
rt::Task<Result<SelfSubjectAccessReview>> ask_self(authorization::Authorizer& authorizer, const RequestScope& scope, SelfSubjectAccessReview body) {
  return authorization::review(scope.ctx, authorizer, scope.user, std::move(body));
}
rt::Task<Result<SelfSubjectRulesReview>> ask_rules(authorization::Authorizer& authorizer, const RequestScope& scope, SelfSubjectRulesReview body) {
  co_return authorization::review(authorizer, scope.user, std::move(body));
}

template <class T, class Ask>
registry::ResourceDefinition review_resource(std::string resource, authorization::Authorizer* authorizer, Ask ask) {
  return {.resource = {"authorization.k8s.io", std::move(resource)}, .create_action = std::make_shared<ReviewAction<T, Ask>>(authorizer, ask)};
}

}  // namespace

void add_authorization(const Deps& deps, Definitions& out) {
  out.push_back(review_resource<SubjectAccessReview>("subjectaccessreviews", deps.authorizer, ask_subject));
  out.push_back(review_resource<LocalSubjectAccessReview>("localsubjectaccessreviews", deps.authorizer, ask_local));
  out.push_back(review_resource<SelfSubjectAccessReview>("selfsubjectaccessreviews", deps.authorizer, ask_self));
  out.push_back(review_resource<SelfSubjectRulesReview>("selfsubjectrulesreviews", deps.authorizer, ask_rules));
}

}  // namespace pintle::apiserver::resources
