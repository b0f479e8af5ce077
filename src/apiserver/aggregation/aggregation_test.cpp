#include <gtest/gtest.h>

#include "apiserver/aggregation/availability.h"
#include "apiserver/aggregation/front_proxy_headers.h"
#include "apiserver/aggregation/local_services.h"
#include "apiserver/aggregation/remote_documents.h"
#include "apiserver/aggregation/routes.h"

namespace pintle::apiserver::aggregation {
namespace {

namespace apiregistration = api::apiregistration_v1;
namespace core = api::core_v1;
namespace discovery = api::discovery_v1;

apiregistration::APIService service_of(const std::string& group, const std::string& version, bool remote) {
  apiregistration::APIService out;
  out.metadata.name = version + "." + group;
  out.metadata.uid = "1";
  out.spec.group = group;
  out.spec.version = version;
  out.spec.group_priority_minimum = 2000;
  out.spec.version_priority = 10;
  if (remote) {
    out.spec.service.ensure().namespace_ = "ns";
    out.spec.service->name = "backend";
  }
  return out;
}

void check_route(const Routes& routes, const std::string& path, const std::string& want) {
  const RemotePtr found = routes.find(path);
  EXPECT_EQ(found ? found->name : "", want) << path;
}

TEST(Routes, LeadByTheFirstSegments) {
  Routes routes;
  EXPECT_TRUE(routes.empty());
  check_route(routes, "/apis/wardle.example.com/v1", "");
  for (const auto& [group, version] : {std::pair{"wardle.example.com", "v1"}, {"", "v1"}})
    routes.set(std::string(version) + "." + group, remote_of(service_of(group, version, true)));
  const std::pair<const char*, const char*> cases[] = {
      {"/apis/wardle.example.com/v1", "v1.wardle.example.com"},
      {"/apis/wardle.example.com/v1/", "v1.wardle.example.com"},
      {"/apis/wardle.example.com/v1/namespaces/a/flunders/b", "v1.wardle.example.com"},
      {"/apis/wardle.example.com/v1beta1/flunders", ""},
      {"/apis/wardle.example.com/v11", ""},
      {"/apis/wardle.example.com", ""},
      {"/apis/wardle.example.com/", ""},
      {"/apis//wardle.example.com/v1", ""},
      {"//apis/wardle.example.com/v1", ""},
      {"/apis/wardle.example.com//v1", ""},
      {"/apis", ""},
      {"/apis/", ""},
      {"", ""},
      {"/api/v1", "v1."},
      {"/api/v1/pods", "v1."},
      {"/api", ""},
      {"/openapi/v3/apis/wardle.example.com/v1", ""},
  };
  for (const auto& [path, want] : cases) check_route(routes, path, want);
  routes.set("v1.", nullptr);
  check_route(routes, "/api/v1/pods", "");
  EXPECT_EQ(routes.all().size(), 1U);
  routes.set("v1.wardle.example.com", nullptr);
  EXPECT_TRUE(routes.empty());
}

TEST(Routes, OfALocalApiServiceThereIsNone) { EXPECT_EQ(remote_of(service_of("apps", "v1", false)), nullptr); }

TEST(Routes, StatusDoesNotChangeTheWay) {
  auto service = service_of("g", "v1", true);
  const RemotePtr before = remote_of(service);
  EXPECT_FALSE(before->available);
  EXPECT_EQ(before->service.port, 443);
  EXPECT_EQ(before->service.tls_name(), "backend.ns.svc");
  service.status.conditions.push_back(passed_condition());
  EXPECT_TRUE(remote_of(service)->available);
  EXPECT_TRUE(same_way(*before, *remote_of(service)));
  service.spec.ca_bundle = "x";
  EXPECT_FALSE(same_way(*before, *remote_of(service)));
}

struct Backend {
  std::string type = "ClusterIP";
  int32_t port = 443;
  std::string port_name = "https";
  int slices = 1;
  std::optional<bool> ready = true;
  std::string slice_port = "https";
};

std::string judged(std::optional<Backend> backend) {
  core::Service service;
  std::vector<discovery::EndpointSlice> slices;
  if (backend) {
    service.spec.type = backend->type;
    service.spec.ports.emplace_back().port = backend->port;
    service.spec.ports.back().name = backend->port_name;
    for (int i = 0; i < backend->slices; ++i) {
      auto& slice = slices.emplace_back();
      auto& endpoint = slice.endpoints.emplace_back();
      endpoint.addresses = {"10.0.0.1"};
      endpoint.conditions.ready = backend->ready;
      auto& port = slice.ports.emplace_back();
      port.name = backend->slice_port;
      port.port = 8443;
    }
  }
  const auto condition = judge({"ns", "backend", 443}, backend ? &service : nullptr, slices);
  return condition ? condition->type + "=" + condition->status + " " + condition->reason + ": " + condition->message : "ask";
}

TEST(Availability, OfServiceAndEndpoints) {
  EXPECT_EQ(judged(std::nullopt), R"(Available=False ServiceNotFound: service/backend in "ns" is not present)");
  EXPECT_EQ(judged(Backend{}), "ask");
  EXPECT_EQ(judged(Backend{.port = 80}), R"(Available=False ServicePortError: service/backend in "ns" is not listening on port 443)");
  EXPECT_EQ(judged(Backend{.slices = 0}), R"(Available=False EndpointsNotFound: cannot find endpointslices for service/backend in "ns")");
  const char* missing = R"(Available=False MissingEndpoints: endpointslices for service/backend in "ns" have no addresses with port name "https")";
  EXPECT_EQ(judged(Backend{.ready = false}), missing);
  EXPECT_EQ(judged(Backend{.slice_port = "http"}), missing);
  EXPECT_EQ(judged(Backend{.ready = std::nullopt}), "ask");
  EXPECT_EQ(judged(Backend{.type = "ExternalName", .port = 1, .slices = 0}), "ask");
}

TEST(Availability, TheTransitionIsOfTheStatusAlone) {
  apiregistration::APIServiceStatus status;
  EXPECT_TRUE(set_condition(status, failed_condition("a"), api::Time{10, 0}));
  EXPECT_FALSE(set_condition(status, failed_condition("a"), api::Time{11, 0}));
  EXPECT_TRUE(set_condition(status, failed_condition("b"), api::Time{12, 0}));
  EXPECT_EQ(status.conditions.front().last_transition_time.seconds, 10);
  EXPECT_TRUE(set_condition(status, passed_condition(), api::Time{13, 0}));
  EXPECT_EQ(status.conditions.front().last_transition_time.seconds, 13);
  EXPECT_EQ(status.conditions.size(), 1U);
}

TEST(FrontProxyHeaders, SayWhoAsksAndNobodyElse) {
  net::Headers headers;
  for (const auto& [name, value] : {std::pair{"X-Remote-User", "admin"},
                                    {"x-remote-group", "system:masters"},
                                    {"X-REMOTE-EXTRA-A", "b"},
                                    {"X-Remote-Anything", "c"},
                                    {"Accept", "*/*"}})
    headers.add(name, value);
  UserInfo user;
  user.name = "jane";
  user.uid = "7";
  user.groups = {"devs", "ops"};
  user.extra["example.com/scopes, 100%"] = {"x", "y"};
  ASSERT_TRUE(set_user(headers, user));
  std::string all;
  for (const auto& [name, value] : headers.items()) all += name + "=" + value + "\n";
  EXPECT_EQ(all,
            "Accept=*/*\nX-Remote-User=jane\nX-Remote-Uid=7\nX-Remote-Group=devs\nX-Remote-Group=ops\n"
            "X-Remote-Extra-example.com%2Fscopes%2C%20100%25=x\nX-Remote-Extra-example.com%2Fscopes%2C%20100%25=y\n");
}

// A line break in a name would begin another header.
TEST(FrontProxyHeaders, NoNameBringsAHeader) {
  const auto refused = [](UserInfo user) {
    net::Headers headers;
    headers.add("Accept", "*/*");
    const auto set = set_user(headers, user);
    EXPECT_EQ(headers.items().size(), 1U);
    return set ? "" : set.error().message;
  };
  UserInfo user;
  user.name = "jane\r\nX-Remote-Group: system:masters";
  EXPECT_EQ(refused(user), "net/http: invalid header field value for \"X-Remote-User\"");
  user.name = "jane";
  user.groups = {"a\nb"};
  EXPECT_EQ(refused(user), "net/http: invalid header field value for \"X-Remote-Group\"");
  user.groups.clear();
  user.extra["k\r\n"] = {std::string("\0", 1)};
  EXPECT_EQ(refused(user), "net/http: invalid header field value for \"X-Remote-Extra-k%0D%0A\"");
}

TEST(FrontProxyHeaders, PathsAreEncodedAnew) {
  EXPECT_EQ(escape_path("/apis/g/v1/namespaces/a b/things/x%?#\"é"), "/apis/g/v1/namespaces/a%20b/things/x%25%3F%23%22%C3%A9");
  EXPECT_EQ(escape_path("/apis/g/v1/a:b@c,d;e=f+g$h&i"), "/apis/g/v1/a:b@c,d;e=f+g$h&i");
}

api::apiextensions_v1::CustomResourceDefinition definition_of(const std::string& group, std::vector<std::pair<std::string, bool>> versions) {
  api::apiextensions_v1::CustomResourceDefinition out;
  out.spec.group = group;
  for (const auto& [name, served] : versions) {
    auto& version = out.spec.versions.emplace_back();
    version.name = name;
    version.served = served;
  }
  return out;
}

TEST(LocalServices, AreThoseOfServedVersions) {
  DefinedVersions defined;
  using Names = std::set<std::string>;
  const auto one = definition_of("g", {{"v1", true}, {"v2", false}}), two = definition_of("g", {{"v1", true}, {"v3", true}});
  EXPECT_EQ(defined.set("one", &one), (Names{"v1.g"}));
  EXPECT_EQ(defined.set("one", &one), Names{});
  EXPECT_EQ(defined.set("two", &two), (Names{"v1.g", "v3.g"}));
  EXPECT_FALSE(defined.wanted("v2.g"));
  const auto wanted = defined.wanted("v1.g");
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->spec.group_priority_minimum, 1000);
  EXPECT_EQ(wanted->spec.version_priority, 100);
  EXPECT_EQ(*wanted->metadata.labels.get(automanaged_label), "true");
  EXPECT_EQ(defined.set("one", nullptr), (Names{"v1.g"}));
  EXPECT_TRUE(defined.wanted("v1.g")) << "the other definition has it too";
  EXPECT_EQ(defined.set("two", nullptr), (Names{"v1.g", "v3.g"}));
  EXPECT_FALSE(defined.wanted("v1.g"));
}

TEST(LocalServices, OnlyTheirOwnAreTouched) {
  auto wanted = service_of("g", "v1", false), kept = wanted, other = wanted, remote = service_of("g", "v1", true);
  kept.metadata.labels[automanaged_label] = "true";
  EXPECT_EQ(action_for(nullptr, nullptr), Action::None);
  EXPECT_EQ(action_for(nullptr, &wanted), Action::Create);
  EXPECT_EQ(action_for(&kept, &wanted), Action::None);
  EXPECT_EQ(action_for(&kept, nullptr), Action::Remove);
  kept.spec.version_priority = 1;
  EXPECT_EQ(action_for(&kept, &wanted), Action::Update);
  EXPECT_EQ(action_for(&other, nullptr), Action::None);
  EXPECT_EQ(action_for(&remote, &wanted), Action::None) << "an operator's";
  other.metadata.labels[automanaged_label] = "onstart";
  EXPECT_EQ(action_for(&other, nullptr), Action::None);
}

Remote remote_v1() { return *remote_of(service_of("g", "v1", true)); }

TEST(RemoteDocuments, DiscoveryIsOfTheOwnVersionAlone) {
  const std::string json = R"({"kind":"APIGroupDiscoveryList","items":[
    {"metadata":{"name":"apps"},"versions":[{"version":"v1","resources":[{"resource":"deployments"}]}]},
    {"metadata":{"name":"g"},"versions":[{"version":"v2","resources":[{"resource":"others"}]},
      {"version":"v1","freshness":"Stale","resources":[{"resource":"things","scope":"Namespaced","subresources":[{"subresource":"status"}]}]}]}]})";
  const auto read = read_discovery(json, remote_v1(), false);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->version, "v1");
  ASSERT_EQ(read->resources.size(), 1U);
  EXPECT_EQ(read->resources[0].resource, "things");
  EXPECT_TRUE(read->resources[0].response_kind) << "clients read it unasked";
  EXPECT_TRUE(read->resources[0].subresources[0].response_kind);
  const auto none = read_discovery(R"({"items":[{"metadata":{"name":"apps"},"versions":[{"version":"v1"}]}]})", remote_v1(), false);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->resources.empty());
  EXPECT_EQ(none->version, "v1");
}

TEST(RemoteDocuments, PlainDiscoveryIsReadToo) {
  const auto read = read_discovery(
      R"({"kind":"APIResourceList","groupVersion":"apps/v1","resources":[{"name":"things/status","kind":"Thing","verbs":["get"],"namespaced":true},
          {"name":"things","singularName":"thing","kind":"Thing","verbs":["list"],"shortNames":["t"],"categories":["all"],"namespaced":true},
          {"name":"wide","kind":"Wide","verbs":[]}]})",
      remote_v1(), true);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->resources.size(), 2U);
  EXPECT_EQ(read->resources[0].resource, "things");
  EXPECT_EQ(read->resources[0].scope, "Namespaced");
  EXPECT_EQ(read->resources[0].response_kind->kind, "Thing");
  EXPECT_EQ(read->resources[0].subresources.at(0).subresource, "status");
  EXPECT_EQ(read->resources[1].scope, "Cluster");
}

TEST(RemoteDocuments, GarbageIsRefused) {
  std::string many = R"({"items":[{"metadata":{"name":"g"},"versions":[{"version":"v1","resources":[)";
  for (std::size_t i = 0; i <= discovery_resources_max; ++i) many += i == 0 ? "{}" : ",{}";
  many += "]}]}]}";
  std::string subs = R"({"items":[{"metadata":{"name":"g"},"versions":[{"version":"v1","resources":[{"subresources":[)";
  for (std::size_t i = 0; i <= discovery_resources_max; ++i) subs += i == 0 ? "{}" : ",{}";
  subs += "]}]}]}]}";
  const std::string deep = std::string(100000, '[');
  for (const std::string& bad : {std::string(), std::string("<html>"), std::string(R"({"items":[)"), many, subs, deep})
    EXPECT_FALSE(read_discovery(bad, remote_v1(), false)) << bad.substr(0, 60);
  const auto wrong_types = R"({"items":[{"metadata":{"name":"g"},"versions":[{"version":"v1","resources":[{"verbs":"x"}]}]}]})";
  EXPECT_FALSE(read_discovery(wrong_types, remote_v1(), false));
  for (const char* odd : {"[]", "1", "null", R"({"items":{}})", R"({"items":[1,{"metadata":[]},{"metadata":{"name":1}}]})"}) {
    const auto read = read_discovery(odd, remote_v1(), false);
    ASSERT_TRUE(read) << odd;
    EXPECT_TRUE(read->resources.empty());
  }
}

TEST(RemoteDocuments, HashOfTheOwnDocument) {
  const std::string one =
      R"({"paths":{"apis/g/v1":{"serverRelativeURL":"/openapi/v3/apis/g/v1?hash=AB"},"apis/apps/v1":{"serverRelativeURL":"x?hash=CD"}}})";
  std::string other = one;
  other.replace(other.find("AB"), 2, "EF");
  const auto hash = read_openapi_v3_hash(one, remote_v1()), next = read_openapi_v3_hash(other, remote_v1());
  ASSERT_TRUE(hash && next);
  EXPECT_EQ(*hash, "AB");
  EXPECT_EQ(*next, "EF");
  std::string odd = one;
  odd.replace(odd.find("AB"), 2, "A\\\"B");
  const auto made = read_openapi_v3_hash(odd, remote_v1());
  ASSERT_TRUE(made) << "what would not stand in an address is told by another";
  EXPECT_EQ(made->find_first_not_of("0123456789abcdefABCDEF"), std::string::npos) << *made;
  EXPECT_EQ(*read_openapi_v3_hash(R"({"paths":{"apis/apps/v1":{}}})", remote_v1()), "");
  EXPECT_EQ(*read_openapi_v3_hash("[]", remote_v1()), "");
  EXPECT_FALSE(read_openapi_v3_hash("{", remote_v1()));
}

TEST(AddOns, AreThisServersUntilAnotherOneHasThem) {
  EXPECT_EQ(action_for_add_on(nullptr), Action::Create);
  auto service = add_on_service("metrics.k8s.io", "v1beta1");
  EXPECT_EQ(service.metadata.name, "v1beta1.metrics.k8s.io");
  EXPECT_EQ(service.spec.group_priority_minimum, 100);
  EXPECT_EQ(action_for_add_on(&service), Action::None);
  service.spec.service.ensure().name = "metrics-server";
  EXPECT_EQ(action_for_add_on(&service), Action::Release) << "applied over ours, which keeps our label";
  service.metadata.labels.clear();
  EXPECT_EQ(action_for_add_on(&service), Action::None);
}

}  // namespace
}  // namespace pintle::apiserver::aggregation
