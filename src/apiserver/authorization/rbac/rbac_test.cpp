#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/authorization/chain.h"
#include "apiserver/authorization/rbac/convert.h"
#include "apiserver/authorization/rbac/escalation.h"
#include "apiserver/authorization/rbac/rbac_authorizer.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::rbac {
namespace {

using namespace api::rbac_v1;

UserInfo user(std::string name, std::vector<std::string> groups = {}) {
  UserInfo out;
  out.name = std::move(name);
  out.groups = std::move(groups);
  return out;
}

// "get pods/log in ns named x", written as fields.
AuthorizationAttributes ask(UserInfo who, std::string verb, std::string resource, std::string ns = "", std::string name = "", std::string group = "") {
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
    EXPECT_EQ(allows(*c.rule, RuleQuery(c.attributes)), c.allowed) << describe(*c.rule) << " " << c.attributes.verb << " " << c.attributes.resource << c.attributes.path;
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
  for (const auto& c : cases) EXPECT_EQ(uncovered(c.held, std::span(&c.wanted, 1)).size(), c.missing) << describe(c.wanted);
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
    binding.subjects = {{"User", "rbac.authorization.k8s.io", "jane", ""}, {"ServiceAccount", "", "bot", ""}, {"Group", "rbac.authorization.k8s.io", "devs", ""}};
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
  EXPECT_EQ(check(user("jane"), api::Object::of<Role>(role), &big), 200);   // what garbage collection changes

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
  EXPECT_EQ(forbidden(a, "").message, "pods \"x\" is forbidden: User \"jane\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"wire\"");
  a = ask(user("jane"), "list", "deployments", "", "", "apps");
  EXPECT_EQ(forbidden(a, "why").message,
            "deployments.apps is forbidden: User \"jane\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope: why");
  a = ask_path(user("jane"), "get", "/metrics");
  EXPECT_EQ(forbidden(a, "").message, "forbidden: User \"jane\" cannot get path \"/metrics\"");
  EXPECT_EQ(forbidden(a, "").http(), 403);
}

}  // namespace
}  // namespace pintle::apiserver::rbac
