#include "client/access_reviews.h"

#include "api/gen/authentication_v1.h"
#include "api/gen/authorization_v1.h"

namespace pintle::client {

rt::Task<Result<std::optional<component::UserInfo>>> AccessReviews::review_token(rt::Context ctx, std::string token) {
  api::authentication_v1::TokenReview review;
  review.spec.token = std::move(token);
  CO_TRY_ASSIGN(auto answer, co_await client_.create(std::move(ctx), std::move(review)));
  std::optional<component::UserInfo> out;
  if (!answer.status.authenticated) co_return out;
  auto& user = answer.status.user;
  out.emplace();
  out->username = std::move(user.username);
  out->uid = std::move(user.uid);
  out->groups = std::move(user.groups);
  for (auto& [name, values] : user.extra) out->extra[name] = std::move(values);
  co_return out;
}

rt::Task<Result<bool>> AccessReviews::review_access(rt::Context ctx, component::UserInfo user, component::AccessAttributes attributes) {
  api::authorization_v1::SubjectAccessReview review;
  review.spec.user = std::move(user.username);
  review.spec.groups = std::move(user.groups);
  review.spec.uid = std::move(user.uid);
  for (auto& [name, values] : user.extra) review.spec.extra[name] = std::move(values);
  if (attributes.path.empty()) {
    auto& what = review.spec.resource_attributes.ensure();
    what.verb = std::move(attributes.verb);
    what.group = std::move(attributes.group);
    what.version = std::move(attributes.version);
    what.resource = std::move(attributes.resource);
    what.subresource = std::move(attributes.subresource);
    what.name = std::move(attributes.name);
  } else {
    auto& what = review.spec.non_resource_attributes.ensure();
    what.verb = std::move(attributes.verb);
    what.path = std::move(attributes.path);
  }
  CO_TRY_ASSIGN(const auto answer, co_await client_.create(std::move(ctx), std::move(review)));
  co_return answer.status.allowed && !answer.status.denied;
}

}  // namespace pintle::client
