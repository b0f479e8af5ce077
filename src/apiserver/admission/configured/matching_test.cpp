#include "apiserver/admission/configured/matching.h"

#include <gtest/gtest.h>

#include "api/gen/core_v1.h"

namespace pintle::apiserver::admission::configured {
namespace {

struct Asked {
  Operation operation = Operation::Create;
  GroupResource resource = {"", "pods"};
  std::string version = "v1";
  std::string subresource;
  std::string ns = "ns";
};

v1::ValidatingWebhook webhook(std::vector<std::string> groups, std::vector<std::string> versions, std::vector<std::string> resources) {
  v1::ValidatingWebhook out;
  auto& rule = out.rules.emplace_back();
  rule.api_groups = std::move(groups);
  rule.api_versions = std::move(versions);
  rule.resources = std::move(resources);
  rule.operations = {"CREATE", "CONNECT"};
  return out;
}

// Versions of one resource; nothing is converted.
class Served : public ObjectVersions {
 public:
  explicit Served(std::vector<ServedAs> all) : all_(std::move(all)) {}
  const std::vector<ServedAs>& served() const override { return all_; }
  rt::Task<Result<api::Object>> show(rt::Context, const api::Object& object, std::size_t) const override { co_return object; }
  rt::Task<Result<api::Object>> take(rt::Context, api::Object shown, std::size_t) const override { co_return shown; }

 private:
  std::vector<ServedAs> all_;
};

void check(const v1::ValidatingWebhook& hook, const Asked& asked, bool want, const Labels& object_labels = {}, const Labels& namespace_labels = {}) {
  api::core_v1::Pod pod;
  pod.metadata.labels = object_labels;
  api::Object object = api::Object::of(std::move(pod));
  AdmissionAttributes a;
  a.operation = asked.operation;
  a.resource = asked.resource;
  a.version = asked.version;
  a.subresource = asked.subresource;
  a.ns = asked.ns;
  a.name = "x";
  a.object = &object;
  EXPECT_EQ(selects(selection_of_webhook(hook), a, asked.ns.empty() ? nullptr : &namespace_labels), want)
      << asked.resource.group << "/" << asked.version << " " << asked.resource.resource << "/" << asked.subresource;
}

TEST(Matching, RulesAndResources) {
  const auto pods = webhook({""}, {"v1"}, {"pods"});
  check(pods, {}, true);
  check(pods, {.operation = Operation::Connect}, true);
  check(pods, {.operation = Operation::Update}, false);
  check(pods, {.subresource = "exec"}, false);
  check(pods, {.resource = {"apps", "pods"}}, false);
  check(pods, {.version = "v2"}, false);
  check(webhook({""}, {"*"}, {"pods/*"}), {.subresource = "exec"}, true);
  check(webhook({""}, {"*"}, {"pods/*"}), {}, true);
  check(webhook({""}, {"*"}, {"*"}), {.subresource = "exec"}, false);
  check(webhook({"*"}, {"*"}, {"*/*"}), {.resource = {"apps", "deployments"}, .subresource = "scale"}, true);
  check(webhook({"*"}, {"*"}, {"*/scale"}), {.resource = {"apps", "deployments"}, .subresource = "status"}, false);
}

// Which of the names of a resource a webhook selects a request by: -1 for none.
TEST(Matching, Equivalents) {
  const Served scalers({{{"autoscaling", "hpas"}, "v2", {}}, {{"autoscaling", "hpas"}, "v1", {}}});
  const Served events({{{"", "events"}, "v1", {}}, {{"events.k8s.io", "events"}, "v1", {}}});
  const auto by = [](const v1::ValidatingWebhook& hook, const Served& served, std::size_t requested, const char* subresource = "") {
    AdmissionAttributes a;
    a.resource = served.served()[0].resource;
    a.version = served.served()[requested].version;
    a.versions = &served;
    a.requested = requested;
    a.subresource = subresource;
    const auto selected = select_by_rules(selection_of_webhook(hook), a);
    return selected ? static_cast<int>(*selected->version) : -1;
  };
  const auto first = webhook({"autoscaling"}, {"v1"}, {"hpas", "hpas/status"});
  EXPECT_EQ(by(first, scalers, 1), 1);
  EXPECT_EQ(by(first, scalers, 0), 1) << "asked in v2, shown in v1";
  EXPECT_EQ(by(first, scalers, 0, "status"), 1);
  EXPECT_EQ(by(first, scalers, 0, "scale"), -1);
  EXPECT_EQ(by(webhook({"autoscaling"}, {"v1", "v2"}, {"hpas"}), scalers, 0), 0) << "the request's own version comes first";
  EXPECT_EQ(by(webhook({"autoscaling"}, {"v3"}, {"hpas"}), scalers, 0), -1);
  auto exact = first;
  exact.match_policy = "Exact";
  EXPECT_EQ(by(exact, scalers, 0), -1);
  EXPECT_EQ(by(exact, scalers, 1), 1);
  EXPECT_EQ(by(webhook({"events.k8s.io"}, {"v1"}, {"events"}), events, 0), 1) << "one resource in two groups";
  EXPECT_EQ(by(webhook({""}, {"v1"}, {"events"}), events, 1), 0);
}

TEST(Matching, ScopesAndSelectors) {
  auto scoped = webhook({"*"}, {"*"}, {"*"});
  scoped.rules[0].scope = "Namespaced";
  check(scoped, {}, true);
  check(scoped, {.resource = {"", "nodes"}, .ns = ""}, false);
  scoped.rules[0].scope = "Cluster";
  check(scoped, {}, false);
  check(scoped, {.resource = {"", "nodes"}, .ns = ""}, true);
  check(scoped, {.resource = {"", "namespaces"}, .ns = ""}, true);

  auto in_namespace = webhook({"*"}, {"*"}, {"*"});
  in_namespace.namespace_selector.emplace().match_labels["guarded"] = "yes";
  Labels guarded;
  guarded["guarded"] = "yes";
  check(in_namespace, {}, false);
  check(in_namespace, {}, true, {}, guarded);
  check(in_namespace, {.resource = {"", "nodes"}, .ns = ""}, true);  // what is in no namespace is selected by all
  auto of_object = webhook({"*"}, {"*"}, {"*"});
  of_object.object_selector.emplace().match_labels["guarded"] = "yes";
  check(of_object, {}, false);
  check(of_object, {}, true, guarded);
}

TEST(Matching, PoliciesExcludeAndName) {
  v1::MatchResources resources;
  auto& rule = resources.resource_rules.emplace_back();
  rule.api_groups = rule.api_versions = {"*"};
  rule.resources = {"*"};
  rule.operations = {"*"};
  const auto selected = [&](bool required) {
    AdmissionAttributes a;
    a.resource = {"", "pods"};
    a.version = "v1";
    a.ns = "ns";
    a.name = "x";
    const Labels none;
    return selects(selection_of(resources, required), a, &none);
  };
  EXPECT_TRUE(selected(true));
  rule.resource_names = {"y"};
  EXPECT_FALSE(selected(true));
  rule.resource_names = {"x"};
  EXPECT_TRUE(selected(true));
  resources.exclude_resource_rules.push_back(rule);
  EXPECT_FALSE(selected(true));
  resources = {};
  EXPECT_FALSE(selected(true));
  EXPECT_TRUE(selected(false)) << "a binding without rules takes its policy's";
}

}  // namespace
}  // namespace pintle::apiserver::admission::configured
