// That everything which changes something, or leads out of the server, has passed admission: every action and every connect
// that discovery shows is asked for, and what admission was told of it is looked at.
#include <functional>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/codec.h"
#include "apimachinery/discovery/served_resources.h"
#include "apiserver/admission/admission.h"
#include "apiserver/testing/in_process.h"
#include "rt/testing.h"

namespace pintle::apiserver {
namespace {

using testing::Answer;
using testing::InProcessServer;
namespace verbs = apimachinery::verb;

// What a plugin was asked, in its order.
struct Seen {
  bool refuse = false;  // in validate()
  std::vector<std::string> questions;
};

std::string question(std::string_view phase, const admission::AdmissionAttributes& a) {
  constexpr std::string_view operations[] = {"create", "update", "delete", "connect"};
  const std::string_view operation = operations[static_cast<int>(a.operation)];
  return fmt::format("{} {} {}/{} {} {}/{} {}/{}{}", phase, operation, a.kind.group, a.kind.version, a.kind.kind, a.resource.resource, a.subresource,
                     a.ns, a.name, a.dry_run ? " dry" : "");
}

class Recorder : public admission::AdmissionPlugin {
 public:
  explicit Recorder(std::shared_ptr<Seen> seen) : seen_(std::move(seen)) {}
  std::string_view name() const override { return "Recorder"; }
  bool handles(admission::Operation) const override { return true; }
  admission::AdmissionNow admit_now(admission::AdmissionAttributes& a) override {
    seen_->questions.push_back(question("admit", a));
    return Unit{};
  }
  admission::AdmissionNow validate_now(const admission::AdmissionAttributes& a) override {
    seen_->questions.push_back(question("validate", a));
    if (seen_->refuse) return Result<Unit>(admission::refuse(a, "recorded"));
    return Unit{};
  }

 private:
  std::shared_ptr<Seen> seen_;
};

using Steps = std::function<rt::Task<void>(InProcessServer&, Seen&)>;

rt::Task<void> run_server(Steps steps) {
  auto seen = std::make_shared<Seen>();
  ApiServerSetup setup;
  setup.last_plugin = [seen] { return std::make_unique<Recorder>(seen); };
  auto server = co_await InProcessServer::start(rt::Executor::current().runtime(), std::move(setup));
  CHECK(server.has_value(), server ? "" : server.error().message);
  co_await steps(**server, *seen);
  co_await (*server)->stop();
}
void with_server(Steps steps) { rt::testing::run_task(run_server(std::move(steps))); }

std::string path_to(const apimachinery::ServedResource& resource, std::string_view subresource) {
  std::string path = resource.group.empty() ? "/api/" : fmt::format("/apis/{}/", resource.group);
  path += resource.version;
  if (resource.namespaced) path += "/namespaces/default";
  path += fmt::format("/{}", resource.name);
  if (!subresource.empty()) path += fmt::format("/x/{}", subresource);
  return path;
}

// One request, which must be put to admission as `operation` of `kind`, and refused there.
rt::Task<void> expect_asked(InProcessServer& server, Seen& seen, std::string method, const apimachinery::ServedResource* resource,
                            std::string subresource, api::GroupVersionKind kind, std::string operation) {
  seen.questions.clear();
  std::string body;
  if (operation == "create")
    body = fmt::format(R"({{"apiVersion":"{}","kind":"{}","metadata":{{"name":"x"}},"target":{{"name":"n"}}}})", api::api_version(kind), kind.kind);
  const Answer answer = co_await server.ask(method, path_to(*resource, subresource), body);
  EXPECT_EQ(answer.status, 403) << method << " " << path_to(*resource, subresource) << " " << answer.body;
  const std::string what = fmt::format("{} {}/{} {} {}/{} {}/x", operation, kind.group, kind.version, kind.kind, resource->name, subresource,
                                       resource->namespaced ? "default" : "");
  const std::vector<std::string> wanted = {"admit " + what, "validate " + what};
  EXPECT_EQ(seen.questions, wanted);
}

struct Method {
  apimachinery::Verbs verb;
  const char* name;
};
constexpr Method methods[] = {
    {verbs::get, "GET"}, {verbs::create, "POST"}, {verbs::update, "PUT"}, {verbs::patch, "PATCH"}, {verbs::delete_, "DELETE"}};

rt::Task<void> ask_everything(InProcessServer& server, Seen& seen) {
  seen.refuse = true;
  int actions = 0, connects = 0;
  for (const apimachinery::ServedResource& resource : apimachinery::served_resources()) {
    const api::GroupVersionKind own{resource.group, resource.version, resource.kind};
    if (resource.verbs == verbs::create) {
      ++actions;
      co_await expect_asked(server, seen, "POST", &resource, "", own, "create");
    }
    for (const auto& part : resource.subresources) {
      const api::GroupVersionKind kind = resource.subresource_gvk(part);
      if (std::string_view(part.kind).ends_with("Options")) {
        for (const Method& method : methods) {
          if ((part.verbs & method.verb) == 0) continue;
          ++connects;
          co_await expect_asked(server, seen, method.name, &resource, std::string(part.name), kind, "connect");
        }
      } else if ((part.verbs & verbs::create) != 0) {
        ++actions;
        co_await expect_asked(server, seen, "POST", &resource, std::string(part.name), kind, "create");
      }
    }
  }
  EXPECT_EQ(actions, 10);   // 3 of pods and service accounts, bindings, 6 reviews
  EXPECT_EQ(connects, 21);  // exec, attach, portforward by two methods, three proxies by five
}
TEST(AdmittedRequests, EveryActionAndConnect) { with_server(ask_everything); }

const std::string pods = "/api/v1/namespaces/default/pods";
const std::string web = pods + "/web";

rt::Task<void> make_pod(InProcessServer& server, std::string spec) {
  (void)co_await server.ask("POST", "/api/v1/namespaces/default/serviceaccounts",
                            R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})");
  const Answer made = co_await server.ask(
      "POST", pods, R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{)" + spec + R"("containers":[{"name":"c","image":"x"}]}})");
  EXPECT_EQ(made.status, 201) << made.body;
}

std::string eviction(const std::string& name, const std::string& options) {
  return R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":")" + name + R"("},"deleteOptions":)" + options + "}";
}

rt::Task<void> evict(InProcessServer& server, Seen& seen) {
  co_await make_pod(server, R"("nodeName":"n",)");
  (void)co_await server.ask("PATCH", web + "/status", R"({"status":{"phase":"Running"}})", "application/merge-patch+json");
  const Answer before = co_await server.get(web);
  const std::string path = web + "/eviction";
  const auto post = [&](std::string query, std::string body) { return server.ask("POST", path + query, std::move(body)); };
  const Answer other = co_await post("", eviction("db", "{}"));
  EXPECT_EQ(other.status, 400) << other.body;
  const Answer bad_policy = co_await post("", eviction("web", R"({"propagationPolicy":"Later"})"));
  EXPECT_EQ(bad_policy.status, 422) << bad_policy.body;
  const Answer two_policies = co_await post("", eviction("web", R"({"propagationPolicy":"Orphan","orphanDependents":true})"));
  EXPECT_EQ(two_policies.status, 422) << two_policies.body;
  const Answer bad_dry = co_await post("", eviction("web", R"({"dryRun":["Some"]})"));
  EXPECT_EQ(bad_dry.status, 422) << bad_dry.body;
  seen.questions.clear();
  const Answer dry = co_await post("", eviction("web", R"({"dryRun":["All"]})"));
  EXPECT_EQ(dry.status, 201) << dry.body;
  const std::vector<std::string> dry_asked = {"admit create policy/v1 Eviction pods/eviction default/web",
                                              "validate create policy/v1 Eviction pods/eviction default/web dry"};
  EXPECT_EQ(seen.questions, dry_asked);
  const Answer dry_query = co_await post("?dryRun=All", eviction("web", "{}"));
  EXPECT_EQ(dry_query.status, 201) << dry_query.body;
  const Answer after = co_await server.get(web);
  EXPECT_EQ(after.body, before.body) << "a dry run evicts nothing and marks nothing";
  const Answer foreground = co_await post("", eviction("web", R"({"propagationPolicy":"Foreground"})"));
  EXPECT_EQ(foreground.status, 201) << foreground.body;
  const Answer ending = co_await server.get(web);
  EXPECT_EQ(ending.at("metadata.finalizers.0"), "foregroundDeletion") << ending.body;
}
TEST(AdmittedRequests, EvictionSaysWhatADeletionMay) { with_server(evict); }

std::string binding(const std::string& metadata) {
  return R"({"apiVersion":"v1","kind":"Binding","metadata":{)" + metadata + R"(},"target":{"kind":"Node","name":"n1"}})";
}

rt::Task<void> bind(InProcessServer& server, Seen&) {
  const Answer node = co_await server.ask(
      "POST", "/api/v1/nodes", R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","labels":{"topology.kubernetes.io/zone":"z1"}}})");
  EXPECT_EQ(node.status, 201) << node.body;
  co_await make_pod(server, "");
  const auto post = [&](std::string metadata) { return server.ask("POST", web + "/binding", binding(metadata)); };
  const Answer other = co_await post(R"("name":"db")");
  EXPECT_EQ(other.status, 400) << other.body;
  const Answer elsewhere = co_await post(R"("name":"web","namespace":"kube-system")");
  EXPECT_EQ(elsewhere.status, 400) << elsewhere.body;
  const Answer stale = co_await post(R"("name":"web","resourceVersion":"1")");
  EXPECT_EQ(stale.status, 409) << stale.body;
  const Answer foreign = co_await post(R"("name":"web","uid":"other")");
  EXPECT_EQ(foreign.status, 409) << foreign.body;
  const Answer bound = co_await post(R"("name":"web")");
  EXPECT_EQ(bound.status, 201) << bound.body;
  const Answer pod = co_await server.get(web);
  EXPECT_EQ(pod.at("spec.nodeName"), "n1");
  EXPECT_NE(pod.body.find(R"("topology.kubernetes.io/zone":"z1")"), std::string::npos) << "mutating admission saw the binding: " << pod.body;
}
TEST(AdmittedRequests, BindingIsAboutItsPod) { with_server(bind); }

rt::Task<void> scale(InProcessServer& server, Seen& seen) {
  const std::string one = "/apis/apps/v1/namespaces/default/deployments/x";
  const Answer made = co_await server.ask(
      "POST", "/apis/apps/v1/namespaces/default/deployments",
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},)"
      R"("spec":{"containers":[{"name":"c","image":"x"}]}}}})");
  EXPECT_EQ(made.status, 201) << made.body;
  const std::vector<std::string> asked = {"admit update autoscaling/v1 Scale deployments/scale default/x",
                                          "validate update autoscaling/v1 Scale deployments/scale default/x"};
  const auto body = [](std::string name, std::string replicas) {
    return R"({"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":")" + name + R"("},"spec":{"replicas":)" + replicas + "}}";
  };
  seen.questions.clear();
  const Answer put = co_await server.ask("PUT", one + "/scale", body("x", "3"));
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.at("spec.replicas"), "3");
  EXPECT_EQ(seen.questions, asked);
  seen.questions.clear();
  const Answer patched = co_await server.ask("PATCH", one + "/scale", R"({"spec":{"replicas":4}})", "application/merge-patch+json");
  EXPECT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(seen.questions, asked);
  const Answer other = co_await server.ask("PUT", one + "/scale", body("y", "5"));
  EXPECT_EQ(other.status, 400) << other.body;
  seen.refuse = true;
  const Answer refused = co_await server.ask("PUT", one + "/scale", body("x", "6"));
  EXPECT_EQ(refused.status, 403) << refused.body;
  const Answer kept = co_await server.get(one);
  EXPECT_EQ(kept.at("spec.replicas"), "4");
}
TEST(AdmittedRequests, ScaleIsShownAsOne) { with_server(scale); }

}  // namespace
}  // namespace pintle::apiserver
