#include "apiserver/admission/expressions/access_decisions.h"

#include <fmt/format.h>

namespace pintle::apiserver::admission::expressions {

using apimachinery::cel::AccessAnswer;
using apimachinery::cel::AccessQuestion;
using authorization::AuthorizationAttributes;
using authorization::AuthorizationResult;

namespace {

UserInfo service_account(std::string_view ns, std::string_view name) {
  UserInfo user;
  user.name = fmt::format("{}{}:{}", user_service_account_prefix, ns, name);
  user.groups = {std::string(group_service_accounts), fmt::format("{}:{}", group_service_accounts, ns)};
  return user;
}

AuthorizationAttributes attributes_of(const AccessQuestion& question, const UserInfo* user) {
  AuthorizationAttributes a;
  if (!question.service_account_name.empty()) {
    a.user = service_account(question.service_account_namespace, question.service_account_name);
  } else if (user != nullptr) {
    a.user = *user;
  }
  a.verb = question.verb;
  a.is_resource = question.path.empty();
  if (!a.is_resource) {
    a.path = question.path;
    return a;
  }
  a.group = question.group;
  a.version = question.version;
  a.resource = question.resource;
  a.subresource = question.subresource;
  a.ns = question.namespace_name;
  a.name = question.name;
  a.field_selector = question.field_selector;
  a.label_selector = question.label_selector;
  return a;
}

// Parts cannot be confused: each is preceded by its length.
std::string key_of(const AccessQuestion& q) {
  std::string key;
  for (const std::string_view part : {q.service_account_namespace, q.service_account_name, q.path, q.verb, q.group, q.version, q.resource,
                                      q.subresource, q.namespace_name, q.name, q.field_selector, q.label_selector})
    fmt::format_to(std::back_inserter(key), "{}:{}", part.size(), part);
  return key;
}

AccessAnswer answer_of(AuthorizationResult result) {
  using Decision = authorization::Decision;
  AccessAnswer answer;
  answer.kind = result.decision == Decision::Allow  ? AccessAnswer::Kind::Allowed
                : result.decision == Decision::Deny ? AccessAnswer::Kind::Denied
                                                    : AccessAnswer::Kind::NoOpinion;
  answer.reason = std::move(result.reason);
  answer.error = std::move(result.evaluation_error);
  return answer;
}

}  // namespace

std::optional<AccessAnswer> AccessDecisions::decide(const AccessQuestion& question) {
  if (authorizer_ == nullptr) return AccessAnswer();
  std::string key = key_of(question);
  if (const auto known = answers_.find(key); known != answers_.end()) return known->second;
  AuthorizationAttributes attributes = attributes_of(question, user_);
  auto now = authorizer_->authorize_now(attributes);
  if (!now) {
    pending_ = Pending{std::move(key), std::move(attributes)};
    return std::nullopt;
  }
  return answers_.emplace(std::move(key), answer_of(std::move(*now))).first->second;
}

rt::Task<Result<Unit>> AccessDecisions::fetch(rt::Context ctx) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  if (!pending_) co_return Unit{};
  auto result = co_await authorizer_->authorize(ctx, pending_->attributes);
  answers_.emplace(std::move(pending_->key), answer_of(std::move(result)));
  pending_.reset();
  co_return Unit{};
}

}  // namespace pintle::apiserver::admission::expressions
