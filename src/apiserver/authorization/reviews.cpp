#include "apiserver/authorization/reviews.h"

#include "api/codec.h"
#include "apimachinery/selectors/field_selector.h"
#include "apimachinery/selectors/label_selector.h"
#include "apimachinery/validation/field_errors.h"
#include "apimachinery/validation/shown.h"

namespace pintle::apiserver::authorization {
namespace {

using namespace api::authorization_v1;
using apimachinery::BadValue;
using apimachinery::FieldErrors;
using apimachinery::FieldPath;

constexpr std::string_view group = "authorization.k8s.io";

using apimachinery::shown;

template <class Selector>
void check_selector(const Box<Selector>& selector, const FieldPath& path, FieldErrors& errors) {
  if (!selector) return;
  if (!selector->raw_selector.empty() && !selector->requirements.empty())
    errors.invalid(path.child("rawSelector"), selector->raw_selector, "may not be given together with requirements");
  if (selector->raw_selector.empty() && selector->requirements.empty())
    errors.required(path.child("requirements"), "either requirements or rawSelector must be given");
}

template <class Spec>
void check_what(const Spec& spec, const FieldPath& path, FieldErrors& errors) {
  if (spec.resource_attributes && spec.non_resource_attributes)
    errors.invalid(path.child("nonResourceAttributes"), shown(*spec.non_resource_attributes), "cannot be given together with resourceAttributes");
  if (!spec.resource_attributes && !spec.non_resource_attributes)
    errors.invalid(path.child("resourceAttributes"), nullptr, "exactly one of nonResourceAttributes and resourceAttributes must be given");
  if (spec.resource_attributes) {
    const FieldPath attributes = path.child("resourceAttributes");
    check_selector(spec.resource_attributes->field_selector, attributes.child("fieldSelector"), errors);
    check_selector(spec.resource_attributes->label_selector, attributes.child("labelSelector"), errors);
  }
}

void check_subject(const SubjectAccessReviewSpec& spec, const FieldPath& path, FieldErrors& errors) {
  if (spec.user.empty() && spec.groups.empty()) errors.invalid(path.child("user"), spec.user, "a user or a group must be given");
}

// A review is about no object: it has no name, no labels, nothing.
void check_metadata(api::meta_v1::ObjectMeta metadata, bool namespaced, FieldErrors& errors) {
  metadata.managed_fields.clear();
  metadata.creation_timestamp = {};
  metadata.uid.clear();
  if (namespaced) metadata.namespace_.clear();
  const api::meta_v1::ObjectMeta none;
  if (!api::equal(api::type_of<api::meta_v1::ObjectMeta>(), &metadata, &none))
    errors.invalid(FieldPath("metadata"), shown(metadata), namespaced ? "must be empty but for the namespace" : "must be empty");
}

std::string text_of(const FieldSelectorAttributes& selector) {
  if (!selector.raw_selector.empty()) return selector.raw_selector;
  std::vector<apimachinery::FieldRequirement> requirements;
  for (const auto& r : selector.requirements)
    if (r.values.size() == 1) requirements.push_back({r.key, r.values[0], r.operator_ == "In"});
  return apimachinery::FieldSelector(std::move(requirements)).to_string();
}

std::string text_of(const LabelSelectorAttributes& selector) {
  if (!selector.raw_selector.empty()) return selector.raw_selector;
  std::vector<apimachinery::LabelRequirement> requirements;
  for (const auto& r : selector.requirements) {
    const auto op = apimachinery::parse_expression_operator(r.operator_);
    if (!op) continue;
    auto requirement = apimachinery::LabelRequirement::make(r.key, *op, r.values);
    if (requirement) requirements.push_back(std::move(*requirement));
  }
  return apimachinery::LabelSelector(std::move(requirements)).to_string();
}

template <class Spec>
AuthorizationAttributes attributes_of(const Spec& spec, UserInfo user) {
  AuthorizationAttributes out;
  out.user = std::move(user);
  if (spec.non_resource_attributes) {
    out.is_resource = false;
    out.path = spec.non_resource_attributes->path;
    out.verb = spec.non_resource_attributes->verb;
    return out;
  }
  const ResourceAttributes& a = *spec.resource_attributes;
  out.verb = a.verb;
  out.group = a.group;
  out.version = a.version;
  out.ns = a.namespace_;
  out.resource = a.resource;
  out.subresource = a.subresource;
  out.name = a.name;
  if (a.field_selector) out.field_selector = text_of(*a.field_selector);
  if (a.label_selector) out.label_selector = text_of(*a.label_selector);
  return out;
}

UserInfo user_of(const SubjectAccessReviewSpec& spec) {
  UserInfo user;
  user.name = spec.user;
  user.uid = spec.uid;
  user.groups = spec.groups;
  user.extra = spec.extra;
  return user;
}

SubjectAccessReviewStatus status_of(AuthorizationResult result) {
  SubjectAccessReviewStatus status;
  status.allowed = result.decision == Decision::Allow;
  status.denied = result.decision == Decision::Deny;
  status.reason = std::move(result.reason);
  status.evaluation_error = std::move(result.evaluation_error);
  return status;
}

}  // namespace

rt::Task<Result<SubjectAccessReview>> review(rt::Context ctx, Authorizer& authorizer, SubjectAccessReview review) {
  FieldErrors errors;
  check_what(review.spec, FieldPath("spec"), errors);
  check_subject(review.spec, FieldPath("spec"), errors);
  check_metadata(review.metadata, false, errors);
  if (!errors.empty()) co_return Unexpected(errors.to_status(group, "", ""));
  const AuthorizationAttributes attributes = attributes_of(review.spec, user_of(review.spec));
  review.status = status_of(co_await authorizer.authorize(ctx, attributes));
  co_return review;
}

rt::Task<Result<LocalSubjectAccessReview>> review(rt::Context ctx, Authorizer& authorizer, std::string ns, LocalSubjectAccessReview review) {
  FieldErrors errors;
  check_what(review.spec, FieldPath("spec"), errors);
  check_subject(review.spec, FieldPath("spec"), errors);
  check_metadata(review.metadata, true, errors);
  const FieldPath spec("spec");
  if (review.spec.resource_attributes && review.spec.resource_attributes->namespace_ != ns)
    errors.invalid(spec.child("resourceAttributes").child("namespace"), review.spec.resource_attributes->namespace_,
                   "must be the namespace of the request");
  if (review.spec.non_resource_attributes)
    errors.invalid(spec.child("nonResourceAttributes"), shown(*review.spec.non_resource_attributes), "not allowed in a review within a namespace");
  if (!errors.empty()) co_return Unexpected(errors.to_status(group, "", ""));
  const AuthorizationAttributes attributes = attributes_of(review.spec, user_of(review.spec));
  review.status = status_of(co_await authorizer.authorize(ctx, attributes));
  co_return review;
}

rt::Task<Result<SelfSubjectAccessReview>> review(rt::Context ctx, Authorizer& authorizer, UserInfo user, SelfSubjectAccessReview review) {
  FieldErrors errors;
  check_what(review.spec, FieldPath("spec"), errors);
  check_metadata(review.metadata, false, errors);
  if (!errors.empty()) co_return Unexpected(errors.to_status(group, "", ""));
  const AuthorizationAttributes attributes = attributes_of(review.spec, std::move(user));
  review.status = status_of(co_await authorizer.authorize(ctx, attributes));
  co_return review;
}

Result<SelfSubjectRulesReview> review(Authorizer& authorizer, const UserInfo& user, SelfSubjectRulesReview review) {
  if (review.spec.namespace_.empty()) return bad_request("no namespace on request");
  UserRules rules = authorizer.rules_for(user, review.spec.namespace_);
  review.status = {};
  for (auto& rule : rules.resource_rules)
    review.status.resource_rules.push_back({std::move(rule.verbs), std::move(rule.groups), std::move(rule.resources), std::move(rule.names)});
  for (auto& rule : rules.non_resource_rules) review.status.non_resource_rules.push_back({std::move(rule.verbs), std::move(rule.paths)});
  review.status.incomplete = rules.incomplete;
  review.status.evaluation_error = std::move(rules.evaluation_error);
  return review;
}

}  // namespace pintle::apiserver::authorization
