#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/authorization/chain.h"
#include "apiserver/authorization/rbac/convert.h"
#include "apiserver/authorization/rbac/coverage.h"
#include "apiserver/authorization/rbac/escalation.h"
#include "apiserver/authorization/rbac/rbac_authorizer.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::authorization::rbac {
namespace {

using namespace api::rbac_v1;

UserInfo user(std::string name, std::vector<std::string> groups = {}) {
  UserInfo out;
  out.name = std::move(name);
  out.groups = std::move(groups);
  return out;
}

// "get pods/log in ns named x", written as fields.
AuthorizationAttributes ask(UserInfo who, std::string verb, std::string resource, std::string ns = "", std::string name = "",
                            std::string group = "") {
  AuthorizationAttributes a;
  a.user = std::move(who);
  a.verb = std::move(verb);
  const auto slash = resource.find('/');
  a.resource = resource.substr(0, slash);
  if (slash != std::string::npos) a.subresource = resource.substr(slash + 1);
  a.ns = std::move(ns);
  a.name = std::move(name);
  a.group = std::move(group);
  return a;
}
AuthorizationAttributes ask_path(UserInfo who, std::string verb, std::string path) {
  AuthorizationAttributes a;
  a.user = std::move(who);
  a.is_resource = false;
  a.verb = std::move(verb);
  a.path = std::move(path);
  return a;
}

TEST(RbacRules, Match) {
  const Rule pods{{"get", "list"}, {""}, {"pods", "pods/log"}, {}, {}};
  const Rule named{{"get"}, {""}, {"secrets"}, {"one"}, {}};
  const Rule any_scale{{"*"}, {"apps"}, {"*/scale"}, {}, {}};
  const Rule all{{"*"}, {"*"}, {"*"}, {}, {}};
  const Rule urls{{"get"}, {}, {}, {}, {"/healthz", "/api/*"}};
  const UserInfo who = user("u");
  struct Case {
    const Rule* rule;
    AuthorizationAttributes attributes;
    bool allowed;
  };
  const Case cases[] = {
      {&pods, ask(who, "get", "pods", "ns"), true},
      {&pods, ask(who, "get", "pods/log", "ns"), true},
      {&pods, ask(who, "get", "pods/exec", "ns"), false},
      {&pods, ask(who, "delete", "pods", "ns"), false},
      {&pods, ask(who, "get", "pods", "ns", "", "apps"), false},
      {&named, ask(who, "get", "secrets", "ns", "one"), true},
      {&named, ask(who, "get", "secrets", "ns", "two"), false},
      {&named, ask(who, "get", "secrets", "ns"), false},
      {&any_scale, ask(who, "update", "deployments/scale", "ns", "d", "apps"), true},
      {&any_scale, ask(who, "update", "deployments", "ns", "d", "apps"), false},
      {&all, ask(who, "anything", "a/b", "", "", "x.io"), true},
      {&all, ask_path(who, "get", "/healthz"), false},
      {&urls, ask_path(who, "get", "/healthz"), true},
      {&urls, ask_path(who, "get", "/healthz/x"), false},
      {&urls, ask_path(who, "get", "/api/v1"), true},
      {&urls, ask_path(who, "post", "/api/v1"), false},
      {&urls, ask(who, "get", "pods"), false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(allows(*c.rule, RuleQuery(c.attributes)), c.allowed)
        << describe(*c.rule) << " " << c.attributes.verb << " " << c.attributes.resource << c.attributes.path;
}

TEST(RbacRules, Uncovered) {
  const Rule admin{{"*"}, {"*"}, {"*"}, {}, {}};
  const Rule reader{{"get", "list"}, {""}, {"pods", "*/status"}, {}, {}};
  const Rule named{{"get"}, {""}, {"secrets"}, {"one"}, {}};
  const Rule urls{{"get"}, {}, {}, {}, {"/api/*"}};
  struct Case {
    std::vector<const Rule*> held;
    Rule wanted;
    std::size_t missing;
  };
  const Case cases[] = {
      {{&admin}, {{"*"}, {"*"}, {"*"}, {}, {}}, 0},
      {{&admin}, urls, 1},
      {{&reader}, {{"get"}, {""}, {"pods"}, {}, {}}, 0},
      {{&reader}, {{"get"}, {""}, {"pods"}, {"x"}, {}}, 0},
      {{&reader}, {{"get", "delete"}, {""}, {"pods", "nodes"}, {}, {}}, 3},
      {{&reader}, {{"get"}, {""}, {"nodes/status"}, {}, {}}, 0},
      {{&reader}, {{"*"}, {""}, {"pods"}, {}, {}}, 1},
      {{&named}, {{"get"}, {""}, {"secrets"}, {}, {}}, 1},
      {{&named}, {{"get"}, {""}, {"secrets"}, {"one", "two"}, {}}, 1},
      {{&urls}, {{"get"}, {}, {}, {}, {"/api/v1", "/apis"}}, 1},
      {{}, {}, 0},
  };
  for (const auto& c : cases) {
    const Coverage coverage = cover(c.held, std::span(&c.wanted, 1), Listing::Some);
    std::size_t missing = 0;
    for (const Rule& rule : coverage.missing) missing += rule.verbs.size();
    EXPECT_EQ(missing, c.missing) << describe(c.wanted);
    EXPECT_EQ(coverage.complete(), c.missing == 0);
  }
}

// As many rules as there are verbs, groups, resources and names, multiplied: what a cover is by definition.
bool covered_one_by_one(std::span<const Rule* const> held, const Rule& wanted) {
  const auto knows = [&](AuthorizationAttributes a) {
    return std::any_of(held.begin(), held.end(), [&](const Rule* rule) { return allows(*rule, RuleQuery(a)); });
  };
  for (const auto& verb : wanted.verbs)
    for (const auto& group : wanted.groups)
      for (const auto& resource : wanted.resources)
        for (const auto& name : wanted.names)
          if (!knows(ask(user("u"), verb, resource, "", name, group))) return false;
  return true;
}

TEST(RbacRules, CoverAgreesWithItsDefinition) {
  uint64_t state = 7;
  const auto draw = [&](std::size_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(state >> 33) % below;
  };
  const auto some = [&](std::vector<std::string> values) {
    std::vector<std::string> out;
    while (out.empty())
      for (const auto& value : values)
        if (draw(2) == 0) out.push_back(value);
    return out;
  };
  int covered = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Rule> held(1 + draw(100) / 20);
    for (Rule& rule : held)
      rule = {some({"get", "list", "*"}),
              some({"", "apps", "*"}),
              some({"pods", "pods/log", "*/log", "*"}),
              draw(2) ? std::vector<std::string>() : some({"a", "b", "c"}),
              {}};
    std::vector<const Rule*> pointers;
    for (const Rule& rule : held) pointers.push_back(&rule);
    const Rule wanted{some({"get", "list", "watch"}), some({"", "apps"}), some({"pods", "pods/log", "nodes"}), some({"a", "b", "d"}), {}};
    const bool expected = covered_one_by_one(pointers, wanted);
    ASSERT_EQ(cover(pointers, std::span(&wanted, 1), Listing::Some).complete(), expected) << describe(wanted);
    covered += expected;
  }
  EXPECT_GT(covered, 1000);
}

std::vector<std::string> many(const char* stem, std::size_t n) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(stem + std::to_string(i));
  return out;
}

// A rule is a product; 1.8 KB of it were 512,000 rules.
TEST(RbacRules, CoverDoesNotMultiplyOut) {
  const Rule product{many("v", 80), many("g", 80), many("r", 80), many("n", 1000), {}};  // 512 million
  const Rule other{{"v1"}, {"g1"}, {"r1"}, {"n1"}, {}};
  const std::vector<const Rule*> held{&other};
  const Coverage coverage = cover(held, std::span(&product, 1), Listing::Some);
  EXPECT_FALSE(coverage.complete());
  EXPECT_FALSE(coverage.missing.empty());
  EXPECT_LE(coverage.missing.size(), missing_rules_max);
  EXPECT_TRUE(coverage.more);
  EXPECT_EQ(coverage.missing.front().verbs.size(), missing_verbs_max);
  const Rule wide{{"v"}, {"g"}, {std::string(missing_bytes_max, 'r'), std::string(missing_bytes_max, 's')}, many("n", 100), {}};
  EXPECT_TRUE(cover(held, std::span(&wide, 1), Listing::Some).missing.empty());  // nothing is short enough to list
  EXPECT_FALSE(cover(held, std::span(&wide, 1), Listing::Some).complete());
  EXPECT_TRUE(cover(std::vector<const Rule*>{&product}, std::span(&product, 1), Listing::Some).complete());

  // Many held rules that all know something else are given up on, and then nothing is covered.
  std::vector<Rule> scattered;
  for (int i = 0; i < 2000; ++i)
    scattered.push_back(
        {{"v" + std::to_string(i % 80)}, {"g" + std::to_string(i % 79)}, {"r" + std::to_string(i % 77)}, {"n" + std::to_string(i % 997)}, {}});
  scattered.push_back({{"*"}, {"*"}, {"*"}, {}, {}});
  std::vector<const Rule*> pointers;
  for (const Rule& rule : scattered) pointers.push_back(&rule);
  const Coverage given_up = cover(pointers, std::span(&product, 1), Listing::Some);
  EXPECT_TRUE(given_up.too_many);
  EXPECT_FALSE(given_up.complete());
}

class RbacTest : public ::testing::Test {
 protected:
  void SetUp() override {
    feed(index_, reader_);
    Role role;
    role.metadata.name = "reader";
    role.metadata.namespace_ = "wire";
    role.rules = {{.verbs = {"get", "list"}, .api_groups = {""}, .resources = {"pods"}, .resource_names = {}, .non_resource_urls = {}}};
    reader_.put({"rbac.authorization.k8s.io", "roles"}, role);
    RoleBinding binding;
    binding.metadata = role.metadata;
    binding.role_ref = {"rbac.authorization.k8s.io", "Role", "reader"};
    binding.subjects = {
        {"User", "rbac.authorization.k8s.io", "jane", ""}, {"ServiceAccount", "", "bot", ""}, {"Group", "rbac.authorization.k8s.io", "devs", ""}};
    reader_.put({"rbac.authorization.k8s.io", "rolebindings"}, binding);
    ClusterRole cluster_role;
    cluster_role.metadata.name = "nodes";
    cluster_role.rules = {{.verbs = {"get"}, .api_groups = {""}, .resources = {"nodes"}, .resource_names = {}, .non_resource_urls = {}},
                          {.verbs = {"get"}, .api_groups = {}, .resources = {}, .resource_names = {}, .non_resource_urls = {"/healthz"}}};
    reader_.put({"rbac.authorization.k8s.io", "clusterroles"}, cluster_role);
    ClusterRoleBinding cluster_binding;
    cluster_binding.metadata.name = "nodes";
    cluster_binding.role_ref = {"rbac.authorization.k8s.io", "ClusterRole", "nodes"};
    cluster_binding.subjects = {{"Group", "rbac.authorization.k8s.io", "ops", ""}, {"ServiceAccount", "", "agent", "kube-system"}};
    reader_.put({"rbac.authorization.k8s.io", "clusterrolebindings"}, cluster_binding);
  }
  bool allowed(const AuthorizationAttributes& a) { return authorizer_.authorize_now(a)->decision == Decision::Allow; }

  testing::FakeReader reader_;
  RbacIndex index_;
  RbacAuthorizer authorizer_{index_};
};

TEST_F(RbacTest, GrantsByUserGroupAndServiceAccount) {
  struct Case {
    UserInfo who;
    const char* verb;
    const char* resource;
    const char* ns;
    bool allowed;
  };
  const Case cases[] = {
      {user("jane"), "get", "pods", "wire", true},
      {user("jane"), "get", "pods", "default", false},
      {user("jane"), "get", "pods", "", false},
      {user("jane"), "get", "nodes", "", false},
      {user("bob"), "get", "pods", "wire", false},
      {user("bob", {"devs"}), "list", "pods", "wire", true},
      {user("system:serviceaccount:wire:bot"), "get", "pods", "wire", true},
      {user("system:serviceaccount:other:bot"), "get", "pods", "wire", false},
      {user("bob", {"ops"}), "get", "nodes", "", true},
      {user("system:serviceaccount:kube-system:agent"), "get", "nodes", "", true},
  };
  for (const auto& c : cases) EXPECT_EQ(allowed(ask(c.who, c.verb, c.resource, c.ns)), c.allowed) << c.who.name << " " << c.resource << " " << c.ns;
  EXPECT_TRUE(allowed(ask_path(user("bob", {"ops"}), "get", "/healthz")));
  EXPECT_FALSE(allowed(ask_path(user("bob"), "get", "/healthz")));
}

TEST_F(RbacTest, SaysWhy) {
  EXPECT_EQ(authorizer_.authorize_now(ask(user("jane"), "get", "pods", "wire"))->reason,
            "RBAC: allowed by RoleBinding \"reader/wire\" of Role \"reader\" to User \"jane\"");
  EXPECT_EQ(authorizer_.authorize_now(ask(user("x", {"ops"}), "get", "nodes"))->reason,
            "RBAC: allowed by ClusterRoleBinding \"nodes\" of ClusterRole \"nodes\" to Group \"ops\"");
  EXPECT_EQ(authorizer_.authorize_now(ask(user("system:serviceaccount:wire:bot"), "get", "pods", "wire"))->reason,
            "RBAC: allowed by RoleBinding \"reader/wire\" of Role \"reader\" to ServiceAccount \"bot/wire\"");
}

TEST_F(RbacTest, FollowsChanges) {
  const auto question = ask(user("jane"), "get", "pods", "wire");
  const GroupResource roles{"rbac.authorization.k8s.io", "roles"};
  const GroupResource bindings{"rbac.authorization.k8s.io", "rolebindings"};
  auto role = *reader_.get_as<Role>(roles, "wire", "reader");
  reader_.remove(roles, "wire", "reader");
  EXPECT_FALSE(allowed(question));
  EXPECT_EQ(authorizer_.authorize_now(question)->reason, "RBAC: role.rbac.authorization.k8s.io \"reader\" not found");
  EXPECT_FALSE(index_.role_rules("wire", "reader"));
  role.rules[0].verbs = {"delete"};
  reader_.put(roles, role);
  EXPECT_FALSE(allowed(question));
  role.rules[0].verbs = {"get"};
  reader_.put(roles, role);
  EXPECT_TRUE(allowed(question));
  auto binding = *reader_.get_as<RoleBinding>(bindings, "wire", "reader");
  binding.subjects = {{"User", "rbac.authorization.k8s.io", "bob", ""}};
  reader_.put(bindings, binding);
  EXPECT_FALSE(allowed(question));
  EXPECT_TRUE(allowed(ask(user("bob"), "get", "pods", "wire")));
  reader_.remove(bindings, "wire", "reader");
  EXPECT_FALSE(allowed(ask(user("bob"), "get", "pods", "wire")));
  // A role that goes while bound, then its binding, then both again.
  reader_.remove(roles, "wire", "reader");
  reader_.put(bindings, binding);
  reader_.remove(bindings, "wire", "reader");
  reader_.put(roles, role);
  reader_.put(bindings, binding);
  EXPECT_TRUE(allowed(ask(user("bob"), "get", "pods", "wire")));
}

TEST_F(RbacTest, RulesForAUser) {
  const UserRules rules = authorizer_.rules_for(user("jane", {"ops"}), "wire");
  ASSERT_EQ(rules.resource_rules.size(), 2u);
  EXPECT_EQ(rules.resource_rules[0].resources, std::vector<std::string>{"nodes"});
  EXPECT_EQ(rules.resource_rules[1].resources, std::vector<std::string>{"pods"});
  ASSERT_EQ(rules.non_resource_rules.size(), 1u);
  EXPECT_EQ(rules.non_resource_rules[0].paths, std::vector<std::string>{"/healthz"});
}

// A role bound again and again is judged and listed once; what one user is judged by, and what is listed, is bounded.
TEST_F(RbacTest, ManyGrantsOfOneUser) {
  const auto bound = [&](const std::string& role, std::vector<Rule> rules, int bindings) {
    index_.put_role("big", role, std::move(rules));
    for (int i = 0; i < bindings; ++i)
      index_.put_binding("big", role + std::to_string(i), {false, role}, std::vector<Subject>(3, {SubjectKind::User, "", "eve"}));
  };
  const Rule rule{many("verb", 10), many("group", 10), many("resource", 10), {}, {}};
  bound("a", std::vector<Rule>(100, rule), 1000);
  UserRules listed = authorizer_.rules_for(user("eve"), "big");
  EXPECT_EQ(listed.resource_rules.size(), 100u);
  EXPECT_FALSE(listed.incomplete);

  bound("b", std::vector<Rule>(rules_listed_max, {{"get"}, {""}, {"pods"}, {}, {}}), 1);
  listed = authorizer_.rules_for(user("eve"), "big");
  EXPECT_EQ(listed.resource_rules.size(), rules_listed_max);
  EXPECT_TRUE(listed.incomplete);
  EXPECT_NE(listed.evaluation_error, "");
  EXPECT_TRUE(allowed(ask(user("eve"), "get", "pods", "big")));

  bound("c", {{many("verb", 10), {""}, {"pods"}, many("name", values_judged_max), {}}}, 1);
  bound("d", {{{"get"}, {""}, {"secrets"}, {}, {}}}, 1);
  const auto said = authorizer_.authorize_now(ask(user("eve"), "get", "secrets", "big"));
  EXPECT_EQ(said->decision, Decision::NoOpinion);
  EXPECT_NE(said->reason.find("1000000 values"), std::string::npos) << said->reason;
  EXPECT_TRUE(allowed(ask(user("eve"), "get", "pods", "big")));
  index_.remove_role("big", "c");
  EXPECT_TRUE(allowed(ask(user("eve"), "get", "secrets", "big")));

  for (int i = 0; i < 1000; ++i)
    index_.put_binding("big", "gone" + std::to_string(i), {false, "gone" + std::to_string(i)}, {{SubjectKind::User, "", "eve"}});
  EXPECT_LT(authorizer_.authorize_now(ask(user("eve"), "get", "nodes", "big"))->reason.size(), 2000u);
}

TEST_F(RbacTest, Escalation) {
  const auto check = [&](UserInfo who, const api::Object& object, const api::Object* old = nullptr) {
    const auto result = testing::now(check_escalation(rt::Context::background(), {&index_, &authorizer_}, who, &object, old));
    return result ? 200 : result.error().http();
  };
  Role role;
  role.metadata.name = "new";
  role.metadata.namespace_ = "wire";
  role.rules = {{.verbs = {"get"}, .api_groups = {""}, .resources = {"pods"}, .resource_names = {}, .non_resource_urls = {}}};
  const auto small = api::Object::of<Role>(role);
  role.rules[0].resources = {"secrets"};
  const auto big = api::Object::of<Role>(role);
  role.metadata.labels["a"] = "b";
  const auto relabeled = api::Object::of<Role>(role);
  EXPECT_EQ(check(user("jane"), small), 200);
  EXPECT_EQ(check(user("jane"), big), 403);
  EXPECT_EQ(check(user("bob"), small), 403);
  EXPECT_EQ(check(user("root", {"system:masters"}), big), 200);
  EXPECT_EQ(check(user("jane"), relabeled, &big), 403);
  EXPECT_EQ(check(user("jane"), big, &small), 403);
  role.metadata.labels.clear();
  role.metadata.finalizers = {"foregroundDeletion"};
  role.metadata.owner_references.resize(1);
  role.metadata.managed_fields.resize(1);
  EXPECT_EQ(check(user("jane"), api::Object::of<Role>(role), &big), 200);  // what garbage collection changes

  RoleBinding binding;
  binding.metadata.name = "new";
  binding.metadata.namespace_ = "wire";
  binding.role_ref = {"rbac.authorization.k8s.io", "Role", "reader"};
  EXPECT_EQ(check(user("jane"), api::Object::of<RoleBinding>(binding)), 200);
  EXPECT_EQ(check(user("bob"), api::Object::of<RoleBinding>(binding)), 403);
  const auto bound = api::Object::of<RoleBinding>(binding);
  binding.metadata.finalizers = {"foregroundDeletion"};
  EXPECT_EQ(check(user("bob"), api::Object::of<RoleBinding>(binding), &bound), 200);
  binding.metadata.labels["a"] = "b";
  EXPECT_EQ(check(user("bob"), api::Object::of<RoleBinding>(binding), &bound), 403);
  EXPECT_EQ(check(user("jane"), api::Object::of<RoleBinding>(binding), &bound), 200);
  binding.role_ref.name = "none";
  EXPECT_EQ(check(user("jane"), api::Object::of<RoleBinding>(binding)), 404);

  ClusterRole aggregated;
  aggregated.metadata.name = "sum";
  aggregated.aggregation_rule = AggregationRule();
  aggregated.aggregation_rule->cluster_role_selectors.resize(1);
  EXPECT_EQ(check(user("jane"), api::Object::of<ClusterRole>(aggregated)), 403);
  const auto was_aggregated = api::Object::of<ClusterRole>(aggregated);
  aggregated.aggregation_rule = {};
  EXPECT_EQ(check(user("jane"), api::Object::of<ClusterRole>(aggregated)), 200);
  EXPECT_EQ(check(user("jane"), api::Object::of<ClusterRole>(aggregated), &was_aggregated), 403);

  // The verbs that lift the check.
  index_.put_role("", "lift", {{{"escalate", "bind"}, {std::string(api_group)}, {"roles"}, {}, {}}});
  index_.put_binding("wire", "lift", {true, "lift"}, {{SubjectKind::User, "", "bob"}});
  EXPECT_EQ(check(user("bob"), big), 200);
  binding.role_ref.name = "reader";
  EXPECT_EQ(check(user("bob"), api::Object::of<RoleBinding>(binding)), 200);
  // As the controller that fills aggregated roles has it.
  index_.put_role("", "aggregate", {{{"escalate"}, {std::string(api_group)}, {"clusterroles"}, {}, {}}});
  index_.put_binding("", "aggregate", {true, "aggregate"}, {{SubjectKind::User, "", "filler"}});
  ClusterRole filled = was_aggregated.as<ClusterRole>();
  filled.rules = role.rules;
  EXPECT_EQ(check(user("filler"), api::Object::of<ClusterRole>(filled), &was_aggregated), 200);
  EXPECT_EQ(check(user("bob"), api::Object::of<ClusterRole>(filled), &was_aggregated), 403);
}

TEST(AuthorizationChain, Modes) {
  EXPECT_TRUE(check_authorization_modes({"Node", "RBAC"}));
  EXPECT_FALSE(check_authorization_modes({}));
  EXPECT_FALSE(check_authorization_modes({"RBAC", "Magic"}));
  EXPECT_FALSE(check_authorization_modes({"RBAC", "RBAC"}));
  testing::FakeReader reader;
  Authorization deny({"AlwaysDeny"}, reader);
  Authorization allow({"AlwaysAllow"}, reader);
  Authorization rbac({"Node", "RBAC"}, reader);
  const auto question = ask(user("jane"), "get", "pods", "wire");
  EXPECT_EQ(deny.authorizer().authorize_now(question)->decision, Decision::NoOpinion);
  EXPECT_EQ(deny.authorizer().authorize_now(question)->reason, "Everything is forbidden.");
  EXPECT_EQ(allow.authorizer().authorize_now(question)->decision, Decision::Allow);
  EXPECT_EQ(rbac.authorizer().authorize_now(question)->decision, Decision::NoOpinion);
  EXPECT_EQ(rbac.authorizer().authorize_now(ask(user("root", {"system:masters"}), "get", "pods"))->decision, Decision::Allow);
}

TEST(Forbidden, HasUpstreamsForm) {
  auto a = ask(user("jane"), "get", "pods/log", "wire", "x");
  EXPECT_EQ(forbidden(a, "").message,
            "pods \"x\" is forbidden: User \"jane\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"wire\"");
  a = ask(user("jane"), "list", "deployments", "", "", "apps");
  EXPECT_EQ(forbidden(a, "why").message,
            "deployments.apps is forbidden: User \"jane\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope: why");
  a = ask_path(user("jane"), "get", "/metrics");
  EXPECT_EQ(forbidden(a, "").message, "forbidden: User \"jane\" cannot get path \"/metrics\"");
  EXPECT_EQ(forbidden(a, "").http(), 403);
}

}  // namespace
}  // namespace pintle::apiserver::authorization::rbac
