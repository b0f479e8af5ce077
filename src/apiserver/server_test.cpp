#include <functional>

#include <gtest/gtest.h>

#include "apiserver/testing/in_process.h"
#include "component/memory.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::apiserver {
namespace {

using testing::Answer;
using testing::InProcessServer;

constexpr const char* maps = "/api/v1/namespaces/default/configmaps";

// `extra`: further members of metadata.
std::string config_map(const std::string& name, const std::string& extra) {
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name + "\"" + extra + R"(},"data":{"a":"1"}})";
}

std::string config_map(const std::string& name) { return config_map(name, ""); }

using Steps = std::function<rt::Task<void>(InProcessServer&)>;

rt::Task<void> run_server(Steps steps) {
  ApiServerOptions options;
  auto server = co_await InProcessServer::start(rt::Executor::current().runtime(), std::move(options));
  CHECK(server.has_value(), server ? "" : server.error().message);
  co_await steps(**server);
  co_await (*server)->stop();
}

// Runs `steps` against a fresh server; in virtual time if they wait.
void with_server(Steps steps) { rt::testing::run_task(run_server(std::move(steps))); }
void with_simulated_server(Steps steps) { rt::testing::run_sim(run_server(std::move(steps)), 1); }

rt::Task<void> create_and_read(InProcessServer& server) {
  const Answer made = co_await server.ask("POST", maps, config_map("one"));
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.at("metadata.namespace"), "default");
  EXPECT_FALSE(made.at("metadata.uid").empty());
  EXPECT_EQ(made.at("kind"), "ConfigMap");
  const Answer again = co_await server.ask("POST", maps, config_map("one"));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.at("reason"), "AlreadyExists");
  const Answer read = co_await server.get(std::string(maps) + "/one");
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, made.body);
  const Answer none = co_await server.get(std::string(maps) + "/two");
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(none.at("details.name"), "two");
  EXPECT_EQ(none.at("details.kind"), "configmaps");
}
TEST(Server, CreatesAndReads) { with_server(create_and_read); }

rt::Task<void> change(InProcessServer& server) {
  const Answer made = co_await server.ask("POST", maps, config_map("one"));
  const std::string one = std::string(maps) + "/one";
  const Answer merged = co_await server.ask("PATCH", one, R"({"data":{"b":"2"}})", "application/merge-patch+json");
  EXPECT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(merged.at("data.b"), "2");
  const Answer stale = co_await server.ask("PUT", one, made.body);
  EXPECT_EQ(stale.status, 409) << stale.body;
  const Answer put = co_await server.ask("PUT", one, config_map("one"));
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.at("data.b"), "");
  const Answer same = co_await server.ask("PUT", one, put.body);
  EXPECT_EQ(same.at("metadata.resourceVersion"), put.at("metadata.resourceVersion")) << "a write that changes nothing is not made";
  const Answer applied = co_await server.ask("PATCH", std::string(maps) + "/two?fieldManager=m", config_map("two"), "application/apply-patch+yaml");
  EXPECT_EQ(applied.status, 201) << applied.body;
  EXPECT_EQ(applied.at("metadata.managedFields.0.operation"), "Apply");
  const Answer odd = co_await server.ask("PATCH", one, "{}", "application/json");
  EXPECT_EQ(odd.status, 415);
}
TEST(Server, Changes) { with_server(change); }

// Its data is compared by the byte, as upstream does: with blanks in it, what reads and writes it anew is refused.
rt::Task<void> revise(InProcessServer& server) {
  const std::string revisions = "/apis/apps/v1/namespaces/default/controllerrevisions", one = revisions + "/one";
  const std::string body = R"({"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"one"},"data": {"a": 1},"revision":3})";
  const Answer made = co_await server.ask("POST", revisions, body);
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_NE(made.body.find(R"("data":{"a":1})"), std::string::npos) << made.body;
  const Answer put = co_await server.ask("PUT", one, body);
  EXPECT_EQ(put.status, 200) << put.body;
  const Answer patched = co_await server.ask("PATCH", one, R"({"metadata":{"labels":{"x":"y"}}})", "application/merge-patch+json");
  EXPECT_EQ(patched.status, 422) << patched.body;
  EXPECT_EQ(patched.at("details.causes.0.field"), "data");
  const Answer applied = co_await server.ask("PATCH", one + "?fieldManager=m&force=true", body, "application/apply-patch+yaml");
  EXPECT_EQ(applied.status, 200) << applied.body;
  EXPECT_EQ(applied.at("metadata.managedFields.0.operation"), "Apply");
}
TEST(Server, KeepsRevisionsToTheByte) { with_server(revise); }

// Seconds that no clock can reckon with are far away, never in the past.
rt::Task<void> far_times(InProcessServer& server) {
  const std::string pods = "/api/v1/namespaces/default/pods", web = pods + "/web";
  const std::string account = R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})";
  (void)co_await server.ask("POST", "/api/v1/namespaces/default/serviceaccounts", account);
  for (const char* seconds : {"9223372036854775807", "4611686018427387904", "1152921504606846976"}) {
    const Answer made = co_await server.ask(
        "POST", pods,
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"x"}]}})");
    EXPECT_EQ(made.status, 201) << made.body;
    const Answer far = co_await server.ask("DELETE", web + "?gracePeriodSeconds=" + seconds);
    EXPECT_EQ(far.status, 200) << far.body;
    EXPECT_GT(far.at("metadata.deletionTimestamp"), std::string("21")) << far.body;
    const Answer near = co_await server.ask("DELETE", web + "?gracePeriodSeconds=600");
    EXPECT_EQ(near.status, 200) << near.body;
    // Ten minutes from when it was deleted first.
    EXPECT_GE(near.at("metadata.deletionTimestamp"), made.at("metadata.creationTimestamp")) << near.body;
    EXPECT_LT(near.at("metadata.deletionTimestamp"), std::string("21")) << near.body;
    (void)co_await server.ask("DELETE", web + "?gracePeriodSeconds=0");
    // A watch without an end within reach begins, and says what happens.
    const std::string seen = co_await server.stream(
        std::string(maps) + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=" + seconds,
        1);
    EXPECT_NE(seen.find("\"type\":"), std::string::npos) << seen;
  }
}
TEST(Server, FarTimesAreNotInThePast) { with_simulated_server(far_times); }

rt::Task<void> remove_with_finalizer(InProcessServer& server) {
  (void)co_await server.ask("POST", maps, config_map("one", R"(,"finalizers":["example.com/a"])"));
  const std::string one = std::string(maps) + "/one";
  const Answer marked = co_await server.ask("DELETE", one);
  EXPECT_EQ(marked.status, 200);
  EXPECT_FALSE(marked.at("metadata.deletionTimestamp").empty()) << marked.body;
  const Answer freed = co_await server.ask("PATCH", one, R"({"metadata":{"finalizers":null}})", "application/merge-patch+json");
  EXPECT_EQ(freed.status, 200) << freed.body;
  const Answer gone = co_await server.get(one);
  EXPECT_EQ(gone.status, 404);
  const Answer none = co_await server.ask("DELETE", one);
  EXPECT_EQ(none.status, 404);
}
TEST(Server, RemovesWhenFinalizersAreGone) { with_server(remove_with_finalizer); }

// Admission reads what an answered write has made, whatever cache it lies in.
rt::Task<void> read_own_writes(InProcessServer& server) {
  (void)co_await server.ask("POST", "/api/v1/namespaces/default/serviceaccounts",
                            R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})");
  for (int i = 0; i < 50; ++i) {
    const std::string name = "class-" + std::to_string(i);
    const Answer made =
        co_await server.ask("POST", "/apis/node.k8s.io/v1/runtimeclasses",
                            R"({"apiVersion":"node.k8s.io/v1","kind":"RuntimeClass","metadata":{"name":")" + name + R"("},"handler":"runc"})");
    EXPECT_EQ(made.status, 201) << made.body;
    const Answer pod = co_await server.ask("POST", "/api/v1/namespaces/default/pods",
                                           R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name + R"("},"spec":{"runtimeClassName":")" +
                                               name + R"(","containers":[{"name":"c","image":"x"}]}})");
    EXPECT_EQ(pod.status, 201) << pod.body;
  }
}
TEST(Server, AdmissionSeesAnsweredWrites) { with_server(read_own_writes); }

rt::Task<void> evict(InProcessServer& server) {
  const std::string pods = "/api/v1/namespaces/default/pods", web = pods + "/web";
  const std::string eviction = R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"web"}})";
  (void)co_await server.ask("POST", "/api/v1/namespaces/default/serviceaccounts",
                            R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})");
  const Answer made = co_await server.ask(
      "POST", pods, R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"x"}]}})");
  EXPECT_EQ(made.status, 201) << made.body;
  (void)co_await server.ask("PATCH", web + "/status", R"({"status":{"phase":"Running"}})", "application/merge-patch+json");
  const Answer evicted = co_await server.ask("POST", web + "/eviction", eviction);
  EXPECT_EQ(evicted.status, 201) << evicted.body;
  const Answer ending = co_await server.get(web);
  EXPECT_FALSE(ending.at("metadata.deletionTimestamp").empty()) << ending.body;
  EXPECT_EQ(ending.at("status.conditions.0.type") + ending.at("status.conditions.0.status") + ending.at("status.conditions.0.reason"),
            "DisruptionTargetTrueEvictionByEvictionAPI")
      << ending.body;
}
TEST(Server, Evicts) { with_server(evict); }

rt::Task<void> list_pages(InProcessServer& server) {
  for (int i = 0; i < 5; ++i)
    (void)co_await server.ask("POST", maps, config_map("m" + std::to_string(i), R"(,"labels":{"odd":")" + std::to_string(i % 2) + "\"}"));
  const Answer odd = co_await server.get(std::string(maps) + "?labelSelector=odd%3D1");
  EXPECT_EQ(odd.json.find("items")->as_array().size(), 2u);
  const Answer first = co_await server.get(std::string(maps) + "?limit=2");
  EXPECT_EQ(first.json.find("items")->as_array().size(), 2u) << first.body;
  EXPECT_EQ(first.at("metadata.remainingItemCount"), "3");
  const Answer second = co_await server.get(std::string(maps) + "?limit=2&continue=" + first.at("metadata.continue"));
  EXPECT_EQ(second.at("items.0.metadata.name"), "m2") << second.body;
  // The last page is of the revision of the first, whatever came since.
  (void)co_await server.ask("POST", maps, config_map("m9"));
  const Answer third = co_await server.get(std::string(maps) + "?limit=2&continue=" + second.at("metadata.continue"));
  EXPECT_EQ(third.json.find("items")->as_array().size(), 1u) << third.body;
  EXPECT_EQ(third.at("metadata.continue"), "");
  const Answer table = co_await server.get(maps, "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
  EXPECT_EQ(table.at("kind"), "Table");
  EXPECT_EQ(table.at("rows.0.cells.0"), "m0");
  const Answer bad = co_await server.get(std::string(maps) + "?fieldSelector=data.a%3D1");
  EXPECT_EQ(bad.status, 400);
}
TEST(Server, Lists) { with_server(list_pages); }

rt::Task<void> list_for_longer_than_history(InProcessServer& server) {
  for (int i = 0; i < 5; ++i) (void)co_await server.ask("POST", maps, config_map("m" + std::to_string(i)));
  const Answer first = co_await server.get(std::string(maps) + "?limit=2");
  (void)co_await server.ask("DELETE", std::string(maps) + "/m2");
  (void)co_await server.ask("DELETE", std::string(maps) + "/m0");  // the newest write is no history yet
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(20));
  const Answer expired = co_await server.get(std::string(maps) + "?limit=2&continue=" + first.at("metadata.continue"));
  EXPECT_EQ(expired.status, 410) << expired.body;
  EXPECT_EQ(expired.at("reason"), "Expired");
  const Answer second = co_await server.get(std::string(maps) + "?limit=2&continue=" + expired.at("metadata.continue"));
  EXPECT_EQ(second.at("items.0.metadata.name"), "m3") << second.body;
  EXPECT_EQ(second.at("items.1.metadata.name"), "m4") << second.body;
  EXPECT_EQ(second.at("metadata.continue"), "");
}
TEST(Server, ListsOnWhenHistoryIsCompacted) { with_simulated_server(list_for_longer_than_history); }

rt::Task<void> watch_events(InProcessServer& server) {
  const Answer made = co_await server.ask("POST", maps, config_map("one"));
  const std::string from = std::string(maps) + "?watch=1&timeoutSeconds=5&resourceVersion=" + made.at("metadata.resourceVersion");
  (void)co_await server.ask("PUT", std::string(maps) + "/one", config_map("one", R"(,"labels":{"x":"y"})"));
  (void)co_await server.ask("DELETE", std::string(maps) + "/one");
  const std::string events = co_await server.stream(from, 2);
  EXPECT_EQ(events.find(R"({"type":"MODIFIED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"one")"), 0u) << events;
  EXPECT_NE(events.find(R"({"type":"DELETED","object":{)"), std::string::npos) << events;
  const std::string initial = co_await server.stream(
      "/api/v1/namespaces?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=5", 5);
  EXPECT_NE(initial.find("k8s.io/initial-events-end"), std::string::npos) << initial;
}
TEST(Server, Watches) { with_server(watch_events); }

// A watch that ends by its own time says how far it came, so that the next one begins there.
rt::Task<void> last_bookmarks(InProcessServer& server) {
  const Answer made = co_await server.ask("POST", maps, config_map("one"));
  const Answer other = co_await server.ask("POST", maps, config_map("two"));
  const std::string one = std::string(maps) + "?watch=1&fieldSelector=metadata.name%3Done&resourceVersion=" + made.at("metadata.resourceVersion");
  const std::string told = co_await server.stream(one + "&allowWatchBookmarks=true&timeoutSeconds=5", 2);
  EXPECT_EQ(told.find(R"({"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":")"), 0u) << told;
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
  const std::size_t number = told.find(R"("resourceVersion":")") + 19;
  EXPECT_GE(std::stoll(told.substr(number)), std::stoll(other.at("metadata.resourceVersion"))) << told;
  EXPECT_EQ(co_await server.stream(one + "&timeoutSeconds=5", 1), "");
  EXPECT_EQ(co_await server.stream(one + "&allowWatchBookmarks=true&timeoutSeconds=1", 1), "");
}
TEST(Server, AWatchEndsWithABookmark) { with_simulated_server(last_bookmarks); }

// Pods are found by their node; a selection of one name answers without a page to come.
rt::Task<void> found_by_field(InProcessServer& server) {
  (void)co_await server.ask("POST", "/api/v1/namespaces/default/serviceaccounts",
                            R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})");
  const std::string pods = "/api/v1/namespaces/default/pods";
  for (const auto& [name, node] : {std::pair("a", "n1"), std::pair("a-1", "n2"), std::pair("b", "n1")}) {
    const Answer made = co_await server.ask("POST", pods,
                                            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + std::string(name) +
                                                R"("},"spec":{"nodeName":")" + node + R"(","containers":[{"name":"c","image":"i"}]}})");
    EXPECT_EQ(made.status, 201) << made.body;
  }
  const auto names = [](const Answer& answer) { return answer.at("items.0.metadata.name") + " " + answer.at("items.1.metadata.name"); };
  EXPECT_EQ(names(co_await server.get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")), "a b");
  EXPECT_EQ(names(co_await server.get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1,metadata.name%3Db")), "b ");
  EXPECT_EQ(names(co_await server.get("/api/v1/pods?fieldSelector=spec.nodeName%21%3Dn1")), "a-1 ");
  const Answer page = co_await server.get("/api/v1/pods?limit=1&fieldSelector=spec.nodeName%3Dn1");
  EXPECT_EQ(names(page), "a ");
  const Answer rest = co_await server.get("/api/v1/pods?limit=1&fieldSelector=spec.nodeName%3Dn1&continue=" + page.at("metadata.continue"));
  EXPECT_EQ(names(rest), "b ") << rest.body;
  EXPECT_EQ(rest.at("metadata.continue"), "") << rest.body;
  const Answer single = co_await server.get(pods + "?limit=1&fieldSelector=metadata.name%3Da");
  EXPECT_EQ(names(single), "a ");
  EXPECT_EQ(single.at("metadata.continue"), "") << single.body;
  const std::string state = co_await server.stream("/api/v1/pods?watch=1&timeoutSeconds=5&fieldSelector=spec.nodeName%3Dn1", 3);
  EXPECT_EQ(std::count(state.begin(), state.end(), '\n'), 2) << state;
  EXPECT_EQ(state.find("a-1"), std::string::npos) << state;
}
TEST(Server, FindsPodsByTheirNode) { with_simulated_server(found_by_field); }

rt::Task<void> other_forms(InProcessServer& server) {
  (void)co_await server.ask("POST", maps, config_map("one"));
  const std::string one = std::string(maps) + "/one";
  const Answer yaml = co_await server.get(one, "application/yaml");
  EXPECT_EQ(yaml.body.find("apiVersion: v1\ndata:\n  a: \"1\"\nkind: ConfigMap\n"), 0u) << yaml.body;
  const Answer proto = co_await server.get(one, "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(proto.body.substr(0, 4), std::string("k8s\0", 4));
  const Answer list = co_await server.get(maps, "application/vnd.kubernetes.protobuf");
  EXPECT_NE(list.body.find("ConfigMapList"), std::string::npos);
  const Answer partial = co_await server.get(one, "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
  EXPECT_EQ(partial.at("kind"), "PartialObjectMetadata");
  EXPECT_EQ(partial.at("metadata.name"), "one");
  const Answer pretty = co_await server.get(one + "?pretty=true");
  EXPECT_EQ(pretty.body.find("{\n  \"kind\": \"ConfigMap\","), 0u) << pretty.body;
}
TEST(Server, SpeaksEveryForm) { with_server(other_forms); }

rt::Task<void> creates_with_care(InProcessServer& server) {
  const Answer dry = co_await server.ask("POST", std::string(maps) + "?dryRun=All", config_map("dry"));
  EXPECT_EQ(dry.status, 201);
  EXPECT_EQ(dry.at("metadata.resourceVersion"), "");
  const Answer none = co_await server.get(std::string(maps) + "/dry");
  EXPECT_EQ(none.status, 404);
  const Answer generated = co_await server.ask("POST", maps, R"({"metadata":{"generateName":"gen-"}})");
  EXPECT_EQ(generated.status, 201) << generated.body;
  EXPECT_EQ(generated.at("metadata.name").size(), 9u);
  const Answer strict = co_await server.ask("POST", std::string(maps) + "?fieldValidation=Strict", R"({"metadata":{"name":"x"},"bogus":1})");
  EXPECT_EQ(strict.status, 400);
  EXPECT_NE(strict.at("message").find("unknown field \"bogus\""), std::string::npos) << strict.body;
  const Answer warned = co_await server.ask("POST", maps, R"({"metadata":{"name":"x"},"bogus":1})");
  EXPECT_EQ(warned.status, 201);
  EXPECT_TRUE(warned.headers.has("warning"));
  const Answer elsewhere = co_await server.ask("POST", maps, R"({"metadata":{"name":"y","namespace":"kube-system"}})");
  EXPECT_EQ(elsewhere.status, 400);
  const Answer nowhere = co_await server.ask("POST", "/api/v1/namespaces/missing/configmaps", config_map("z"));
  EXPECT_EQ(nowhere.status, 404) << nowhere.body;
  const Answer broken = co_await server.ask("POST", maps, "{");
  EXPECT_EQ(broken.status, 400);
  const Answer large = co_await server.ask("POST", maps, std::string(4 << 20, 'x'));
  EXPECT_EQ(large.status, 413);
}
TEST(Server, CreatesWithCare) { with_server(creates_with_care); }

rt::Task<void> scales(InProcessServer& server) {
  const std::string sets = "/apis/apps/v1/namespaces/default/replicasets";
  const Answer made = co_await server.ask(
      "POST", sets,
      R"({"metadata":{"name":"rs"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  EXPECT_EQ(made.status, 201) << made.body;
  const std::string scale = sets + "/rs/scale";
  const Answer seen = co_await server.get(scale);
  EXPECT_EQ(seen.at("spec.replicas"), "2") << seen.body;
  EXPECT_EQ(seen.at("status.selector"), "a=b");
  const Answer changed = co_await server.ask("PATCH", scale, R"({"spec":{"replicas":5}})", "application/merge-patch+json");
  EXPECT_EQ(changed.at("spec.replicas"), "5") << changed.body;
  const Answer bad = co_await server.ask("PATCH", scale, R"({"spec":{"replicas":-1}})", "application/merge-patch+json");
  EXPECT_EQ(bad.status, 422);
  const Answer set = co_await server.get(sets + "/rs");
  EXPECT_EQ(set.at("spec.replicas"), "5");
  EXPECT_EQ(set.at("metadata.generation"), "2");
  const Answer status =
      co_await server.ask("PATCH", sets + "/rs/status", R"({"status":{"replicas":3},"spec":{"replicas":9}})", "application/merge-patch+json");
  EXPECT_EQ(status.at("status.replicas"), "3") << status.body;
  EXPECT_EQ(status.at("spec.replicas"), "5");
}
TEST(Server, ScalesAndTakesStatus) { with_server(scales); }

struct Case {
  const char* method;
  const char* path;
  int status;
};
rt::Task<void> fixed_paths(InProcessServer& server) {
  const Case cases[] = {{"GET", "/", 200},
                        {"GET", "/api", 200},
                        {"GET", "/apis", 200},
                        {"GET", "/apis/apps/v1", 200},
                        {"GET", "/apis/apps/v9", 404},
                        {"GET", "/nope", 404},
                        {"GET", "/readyz", 200},
                        {"GET", "/livez?verbose", 200},
                        {"GET", "/readyz/nope", 404},
                        {"GET", "/readyz/etcd-readiness", 200},
                        {"GET", "/livez/etcd-readiness", 404},
                        {"GET", "/metrics", 200},
                        {"GET", "/debug/pprof/", 404},
                        {"GET", "/debug/pprof/nope", 404},
                        {"GET", "/version", 200},
                        {"GET", "/api/v1/nopes", 404},
                        {"TRACE", maps, 405},
                        {"OPTIONS", maps, 405},
                        {"PUT", maps, 405},
                        {"POST", "/api/v1/pods", 405},
                        {"GET", "/api/v1/namespaces/", 200}};
  for (const Case& c : cases) {
    const Answer answer = co_await server.ask(c.method, c.path);
    EXPECT_EQ(answer.status, c.status) << c.method << " " << c.path << " " << answer.body;
  }
}
TEST(Server, AnswersFixedPaths) { with_server(fixed_paths); }

rt::Task<void> tells_what_holds_memory(InProcessServer& server) {
  (void)co_await server.ask("POST", maps, config_map("one"));
  (void)co_await server.get(maps, "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
  const Answer page = co_await server.ask("GET", "/metrics");
  const auto value = [&page](const std::string& series) {
    const std::size_t at = page.body.find("\n" + series + " ");
    return at == std::string::npos ? -1.0 : std::stod(page.body.substr(at + series.size() + 2));
  };
  EXPECT_GT(value(R"(pintle_cache_bytes{group="",resource="configmaps",holds="objects"})"), 100.0);
  EXPECT_GT(value(R"(pintle_cache_bytes{group="",resource="configmaps",holds="history"})"), 0.0);
  EXPECT_GT(value(R"(pintle_cache_bytes{group="",resource="configmaps",holds="encodings"})"), 0.0);
  EXPECT_EQ(value(R"(pintle_cache_bytes{group="batch",resource="jobs",holds="objects"})"), 0.0);

  const Answer profile = co_await server.ask("GET", "/debug/pprof/heap");
  const Answer text = co_await server.ask("GET", "/debug/pprof/heap?debug=1");
  if (component::heap_use().allocated == 0) {
    EXPECT_EQ(profile.status, 503);  // the sanitizer's allocator takes no samples
    co_return;
  }
  EXPECT_EQ(profile.status, 200);
  EXPECT_NE(profile.body.find("inuse_space"), std::string::npos);
  EXPECT_EQ(text.status, 200);
  EXPECT_TRUE(text.body.starts_with("Held now")) << text.body.substr(0, 100);
}
TEST(Server, TellsWhatHoldsMemory) { with_server(tells_what_holds_memory); }
// Load balancers are told by /readyz; those that come still are served, until the time is over.
rt::Task<void> shut_down_late() {
  ApiServerOptions options;
  options.shutdown_delay = std::chrono::seconds(30);
  auto server = co_await InProcessServer::start(rt::Executor::current().runtime(), std::move(options));
  CHECK(server.has_value(), server ? "" : server.error().message);
  const rt::Clock& clock = rt::Executor::current().runtime().clock();
  const rt::TimePoint began = clock.now();
  rt::TaskGroup stopping;
  stopping.spawn((*server)->stop());
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(29));
  const Answer ready = co_await (*server)->get("/readyz");
  EXPECT_EQ(ready.status, 500);
  EXPECT_NE(ready.body.find("[-]shutdown failed"), std::string::npos) << ready.body;
  EXPECT_NE(ready.body.find("[+]poststarthook/rbac/bootstrap-roles ok"), std::string::npos) << ready.body;
  const Answer live = co_await (*server)->get("/livez");
  EXPECT_EQ(live.status, 200) << live.body;
  const Answer made = co_await (*server)->ask("POST", maps, config_map("late"));
  EXPECT_EQ(made.status, 201) << made.body;
  co_await stopping.join();
  EXPECT_GE(clock.now() - began, std::chrono::seconds(30));
  EXPECT_LT(clock.now() - began, std::chrono::seconds(40));
}
TEST(Server, ShutsDownAfterADelay) { rt::testing::run_sim(shut_down_late(), 1); }

}  // namespace
}  // namespace pintle::apiserver
