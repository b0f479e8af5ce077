// Which methods each form of a path has, and what the others answer. That a form does what was authorized and nothing else
// is shown for every resource by test/integration/hostile/authorization_matrix_test.py.
#include <gtest/gtest.h>

#include "apiserver/testing/in_process.h"
#include "rt/testing.h"

namespace pintle::apiserver::endpoints {
namespace {

using testing::InProcessServer;

struct Case {
  const char* methods;  // asked one after the other
  const char* path;
  int status;
};

constexpr Case cases[] = {
    // The watch forms are for GET alone: nothing can be written through them.
    {"POST PUT PATCH DELETE HEAD OPTIONS", "/api/v1/watch/namespaces/default/configmaps", 405},
    {"POST PUT PATCH DELETE HEAD OPTIONS", "/api/v1/watch/namespaces/default/configmaps/kube-root-ca.crt", 405},
    {"POST PUT PATCH DELETE HEAD OPTIONS", "/api/v1/watch/configmaps", 405},
    {"POST PUT PATCH DELETE", "/api/v1/watch/namespaces", 405},
    {"POST PUT PATCH DELETE", "/api/v1/watch/namespaces/default", 405},
    {"POST PUT PATCH DELETE", "/apis/apps/v1/watch/namespaces/default/deployments", 405},
    {"GET POST PUT PATCH DELETE", "/api/v1/watch/namespaces/default/status", 404},
    {"GET POST PUT PATCH DELETE", "/api/v1/watch/namespaces/default/pods/p/status", 404},
    {"GET POST", "/api/v1/watch/namespaces/default/pods/p/exec", 404},
    {"GET POST", "/api/v1/watch/namespaces/default/pods/p/proxy/a", 404},
    {"GET POST", "/api/v1/watch/configmaps/one", 404},
    {"GET POST", "/api/v1/watch/componentstatuses", 404},
    {"GET POST", "/apis/authorization.k8s.io/v1/watch/subjectaccessreviews", 404},
    // The old proxy forms are gone.
    {"GET POST PUT PATCH DELETE", "/api/v1/proxy/namespaces/default/pods/p", 404},
    {"GET POST PUT PATCH DELETE", "/api/v1/proxy/nodes/n/a/b", 404},
    {"GET DELETE", "/api/v1/proxy/namespaces/default", 404},
    {"GET POST", "/api/v1/proxy/configmaps", 404},
    // A namespace is no place for what belongs to none, namespaces among them.
    {"GET POST DELETE", "/api/v1/namespaces/default/namespaces", 404},
    {"GET PUT PATCH DELETE", "/api/v1/namespaces/default/namespaces/kube-system", 404},
    {"GET PUT PATCH DELETE", "/api/v1/namespaces/default/namespaces/default", 404},
    {"PUT", "/api/v1/namespaces/default/namespaces/kube-system/finalize", 404},
    {"GET PUT PATCH", "/api/v1/namespaces/default/namespaces/kube-system/status", 404},
    {"GET", "/api/v1/watch/namespaces/default/namespaces", 404},
    {"GET POST", "/api/v1/namespaces/default/nodes", 404},
    {"GET DELETE", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/clusterroles/admin", 404},
    {"GET PUT", "/api/v1/namespaces/default/finalize/more", 404},
    {"GET", "/apis/apps/v1/namespaces/default", 404},
    // What has a namespace is named in one.
    {"GET PUT PATCH DELETE", "/api/v1/configmaps/one", 404},
    {"GET POST", "/api/v1/pods/p/log", 404},
    {"GET DELETE", "/api/v1/namespaces//configmaps/kube-root-ca.crt", 404},
    {"POST PUT PATCH DELETE HEAD", "/api/v1/configmaps", 405},
    {"POST DELETE", "/api/v1/namespaces//configmaps", 405},
    {"POST", "/api/v1/bindings", 404},
    {"POST", "/apis/authorization.k8s.io/v1/localsubjectaccessreviews", 404},
    // Methods that a form does not have.
    {"PUT PATCH HEAD OPTIONS TRACE CONNECT", "/api/v1/namespaces/default/configmaps", 405},
    {"POST HEAD OPTIONS", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt", 405},
    {"DELETE POST HEAD", "/api/v1/namespaces/default/status", 405},
    {"GET PATCH POST DELETE", "/api/v1/namespaces/default/finalize", 405},
    {"GET PUT PATCH DELETE", "/api/v1/namespaces/default/pods/p/eviction", 405},
    {"GET PUT PATCH DELETE", "/api/v1/namespaces/default/serviceaccounts/default/token", 405},
    {"POST DELETE", "/apis/apps/v1/namespaces/default/deployments/d/scale", 405},
    {"GET PUT DELETE", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 405},
    {"GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/x", 404},
    {"GET", "/api/v1/componentstatuses?watch=1", 405},
    {"DELETE POST", "/api/v1/componentstatuses", 405},
    // Paths that are not quite a path of the API.
    {"GET POST", "//api/v1/namespaces", 404},
    {"GET", "/api//v1/namespaces", 404},
    {"GET", "/apis//v1/namespaces", 404},
    {"GET", "/api/v1//namespaces", 404},
    {"GET", "/api/apps/v1/deployments", 404},
    {"GET", "//healthz", 404},
    {"GET", "/healthz/", 404},
    {"GET", "/metrics/", 404},
    {"GET", "/metrics/../healthz", 404},
    {"GET PUT PATCH POST DELETE", "/api/v1/namespaces/default/configmaps/one/status", 404},
    {"GET", "/api/v1/namespaces/default/configmaps/one/two/three", 404},
    {"GET PUT", "/api/v1/namespaces/default/pods/p/status/more", 404},
    {"GET PUT", "/api/v1/namespaces/default/pods//status", 400},
    {"GET", "/api/v1/namespaces/default/pods//log?fieldSelector=metadata.name%3Dp", 400},
    // And those that are.
    {"GET", "/api/v1/namespaces/", 200},
    {"GET", "/api/v1/namespaces?watch=0", 200},
    {"GET", "/api/v1/namespaces?watch=FALSE", 200},
    {"GET", "/api/v1/namespaces/default/status", 200},
    {"GET", "/api/v1/namespaces%2Fdefault", 200},
    {"GET", "/api/v1/", 200},
    {"GET", "/version/", 200},
};

rt::Task<void> ask_all(InProcessServer& server) {
  for (const Case& c : cases) {
    std::string_view methods = c.methods;
    while (!methods.empty()) {
      const auto space = methods.find(' ');
      const std::string method(methods.substr(0, space));
      methods.remove_prefix(space == methods.npos ? methods.size() : space + 1);
      const std::string path = c.path;
      std::string body;
      if (method != "GET" && method != "HEAD") body = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"}})";
      const auto answer = co_await server.ask(method, path, body);
      EXPECT_EQ(answer.status, c.status) << method << " " << c.path << ": " << answer.body;
    }
  }
}

rt::Task<void> run_all() {
  ApiServerOptions options;
  auto server = co_await InProcessServer::start(rt::Executor::current().runtime(), std::move(options));
  CHECK(server.has_value(), server ? "" : server.error().message);
  co_await ask_all(**server);
  co_await (*server)->stop();
}

TEST(Route, FormsAndMethods) { rt::testing::run_task(run_all()); }

}  // namespace
}  // namespace pintle::apiserver::endpoints
