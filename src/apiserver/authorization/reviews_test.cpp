#include "apiserver/authorization/reviews.h"

#include "apiserver/authentication/testing/fake_reader.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::authorization {
namespace {

using namespace api::authorization_v1;

// Allows what jane asks; remembers the question.
class OneUserAuthorizer : public Authorizer {
 public:
  std::optional<AuthorizationResult> authorize_now(const AuthorizationAttributes& attributes) override {
    last = attributes;
    if (attributes.user.name == "jane") return AuthorizationResult{Decision::Allow, "she may", {}};
    if (attributes.user.name == "mallory") return AuthorizationResult{Decision::Deny, {}, "broken"};
    return AuthorizationResult{};
  }
  UserRules rules_for(const UserInfo&, const std::string& ns) override {
    UserRules out;
    out.resource_rules.push_back({{"get"}, {""}, {"pods"}, {ns}});
    out.non_resource_rules.push_back({{"get"}, {"/healthz"}});
    out.incomplete = true;
    out.evaluation_error = "half";
    return out;
  }
  AuthorizationAttributes last;
};

SubjectAccessReview question(const std::string& user) {
  SubjectAccessReview out;
  out.spec.user = user;
  auto& attributes = out.spec.resource_attributes.emplace();
  attributes.verb = "get";
  attributes.resource = "pods";
  attributes.namespace_ = "wire";
  return out;
}

// The fields at fault, joined; "" if the review is answered.
template <class Answer>
std::string faults(const Answer& answer) {
  if (answer) return "";
  EXPECT_EQ(answer.error().http(), 422);
  EXPECT_EQ(answer.error().details.group, "authorization.k8s.io");
  std::string out;
  for (const auto& cause : answer.error().details.causes) out += (out.empty() ? "" : ",") + cause.field;
  return out;
}

class ReviewsTest : public ::testing::Test {
 protected:
  auto ask(SubjectAccessReview q) { return testing::now(review(rt::Context::background(), authorizer_, std::move(q))); }
  OneUserAuthorizer authorizer_;
};

TEST_F(ReviewsTest, Answers) {
  const auto allowed = ask(question("jane"));
  ASSERT_TRUE(allowed);
  EXPECT_TRUE(allowed->status.allowed);
  EXPECT_EQ(allowed->status.reason, "she may");
  EXPECT_EQ(authorizer_.last.ns, "wire");
  const auto denied = ask(question("mallory"));
  EXPECT_FALSE(denied->status.allowed);
  EXPECT_TRUE(denied->status.denied);
  EXPECT_EQ(denied->status.evaluation_error, "broken");
  const auto neither = ask(question("bob"));
  EXPECT_FALSE(neither->status.allowed || neither->status.denied);
}

TEST_F(ReviewsTest, Faults) {
  SubjectAccessReview q = question("");
  EXPECT_EQ(faults(ask(q)), "spec.user");
  q.spec.groups = {"devs"};
  EXPECT_EQ(faults(ask(q)), "");
  q = question("jane");
  q.spec.non_resource_attributes.emplace().path = "/";
  EXPECT_EQ(faults(ask(q)), "spec.nonResourceAttributes");
  q.spec.resource_attributes.reset();
  EXPECT_EQ(faults(ask(q)), "");
  EXPECT_FALSE(authorizer_.last.is_resource);
  q.spec.non_resource_attributes.reset();
  EXPECT_EQ(faults(ask(q)), "spec.resourceAttributes");
  q = question("jane");
  q.metadata.name = "x";
  EXPECT_EQ(faults(ask(q)), "metadata");
  q = question("jane");
  q.spec.resource_attributes->field_selector.emplace();
  EXPECT_EQ(faults(ask(q)), "spec.resourceAttributes.fieldSelector.requirements");
  q.spec.resource_attributes->field_selector->raw_selector = "a=b";
  q.spec.resource_attributes->field_selector->requirements.resize(1);
  EXPECT_EQ(faults(ask(q)), "spec.resourceAttributes.fieldSelector.rawSelector");
}

TEST_F(ReviewsTest, SelectorsReachTheAuthorizer) {
  SubjectAccessReview q = question("jane");
  auto& field = q.spec.resource_attributes->field_selector.emplace().requirements.emplace_back();
  field.key = "spec.nodeName";
  field.operator_ = "In";
  field.values = {"n1"};
  auto& label = q.spec.resource_attributes->label_selector.emplace().requirements.emplace_back();
  label.key = "app";
  label.operator_ = "Exists";
  ASSERT_TRUE(ask(q));
  EXPECT_EQ(authorizer_.last.field_selector, "spec.nodeName=n1");
  EXPECT_EQ(authorizer_.last.label_selector, "app");
}

TEST_F(ReviewsTest, LocalReviewsStayInTheirNamespace) {
  LocalSubjectAccessReview q;
  q.spec = question("jane").spec;
  q.metadata.namespace_ = "wire";
  const auto ask_in = [&](const std::string& ns) { return testing::now(review(rt::Context::background(), authorizer_, ns, q)); };
  EXPECT_TRUE(ask_in("wire")->status.allowed);
  EXPECT_EQ(faults(ask_in("other")), "spec.resourceAttributes.namespace");
}

TEST_F(ReviewsTest, Self) {
  UserInfo jane;
  jane.name = "jane";
  SelfSubjectAccessReview q;
  q.spec.resource_attributes = question("").spec.resource_attributes;
  EXPECT_TRUE(testing::now(review(rt::Context::background(), authorizer_, jane, q))->status.allowed);
  SelfSubjectRulesReview rules;
  EXPECT_EQ(review(authorizer_, jane, rules).error().http(), 400);
  rules.spec.namespace_ = "wire";
  const auto answer = review(authorizer_, jane, rules);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status.resource_rules[0].resource_names, std::vector<std::string>{"wire"});
  EXPECT_EQ(answer->status.non_resource_rules[0].non_resource_urls, std::vector<std::string>{"/healthz"});
  EXPECT_TRUE(answer->status.incomplete);
  EXPECT_EQ(answer->status.evaluation_error, "half");
}

}  // namespace
}  // namespace pintle::apiserver::authorization
