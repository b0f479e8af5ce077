#include "apiserver/types/request_info.h"

#include <gtest/gtest.h>

#include "apiserver/types/query.h"

namespace pintle::apiserver {
namespace {

struct ResourceCase {
  const char* method;
  const char* path;
  const char* query;
  const char* verb;
  const char* group;
  const char* version;
  const char* ns;
  const char* resource;
  const char* subresource;
  const char* name;
};

void check(const ResourceCase& c) {
  SCOPED_TRACE(std::string(c.method) + " " + c.path + "?" + c.query);
  const auto info = parse_request_info(c.method, c.path, Query::parse(c.query));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_TRUE(info->is_resource);
  EXPECT_EQ(info->verb, c.verb);
  EXPECT_EQ(info->group, c.group);
  EXPECT_EQ(info->version, c.version);
  EXPECT_EQ(info->ns, c.ns);
  EXPECT_EQ(info->resource, c.resource);
  EXPECT_EQ(info->subresource, c.subresource);
  EXPECT_EQ(info->name, c.name);
}

TEST(RequestInfo, Resources) {
  const ResourceCase cases[] = {
      {"GET", "/api/v1/pods", "", "list", "", "v1", "", "pods", "", ""},
      {"GET", "/api/v1/pods/", "", "list", "", "v1", "", "pods", "", ""},
      {"GET", "/api/v1/namespaces/ns/pods", "", "list", "", "v1", "ns", "pods", "", ""},
      {"GET", "/api/v1/namespaces/ns/pods/p", "", "get", "", "v1", "ns", "pods", "", "p"},
      {"HEAD", "/api/v1/namespaces/ns/pods/p", "", "get", "", "v1", "ns", "pods", "", "p"},
      {"POST", "/api/v1/namespaces/ns/pods", "", "create", "", "v1", "ns", "pods", "", ""},
      {"PUT", "/api/v1/namespaces/ns/pods/p/status", "", "update", "", "v1", "ns", "pods", "status", "p"},
      {"PATCH", "/apis/apps/v1/namespaces/ns/deployments/d/scale", "", "patch", "apps", "v1", "ns", "deployments", "scale", "d"},
      {"DELETE", "/apis/apps/v1/namespaces/ns/deployments/d", "", "delete", "apps", "v1", "ns", "deployments", "", "d"},
      {"DELETE", "/apis/apps/v1/namespaces/ns/deployments", "", "deletecollection", "apps", "v1", "ns", "deployments", "", ""},
      {"GET", "/api/v1/namespaces", "", "list", "", "v1", "", "namespaces", "", ""},
      {"GET", "/api/v1/namespaces/ns", "", "get", "", "v1", "ns", "namespaces", "", "ns"},
      {"PUT", "/api/v1/namespaces/ns/finalize", "", "update", "", "v1", "ns", "namespaces", "finalize", "ns"},
      {"PUT", "/api/v1/namespaces/ns/status", "", "update", "", "v1", "ns", "namespaces", "status", "ns"},
      {"GET", "/api/v1/watch/pods", "", "watch", "", "v1", "", "pods", "", ""},
      {"GET", "/api/v1/watch/namespaces/ns/pods/p", "", "watch", "", "v1", "ns", "pods", "", "p"},
      {"GET", "/apis/apps/v1/watch/namespaces/ns/deployments", "", "watch", "apps", "v1", "ns", "deployments", "", ""},
      {"GET", "/api/v1/proxy/namespaces/ns/pods/p/a/b", "", "proxy", "", "v1", "ns", "pods", "", "p"},
      {"POST", "/api/v1/namespaces/ns/pods/p/proxy/a/b", "", "create", "", "v1", "ns", "pods", "proxy", "p"},
      {"GET", "/api/v1/namespaces/ns/pods", "watch=true", "watch", "", "v1", "ns", "pods", "", ""},
      {"GET", "/api/v1/namespaces/ns/pods", "watch", "watch", "", "v1", "ns", "pods", "", ""},
      {"GET", "/api/v1/namespaces/ns/pods", "watch=0", "list", "", "v1", "ns", "pods", "", ""},
      {"GET", "/api/v1/namespaces/ns/pods", "watch=False", "list", "", "v1", "ns", "pods", "", ""},
      {"GET", "/api/v1/namespaces/ns/pods/p", "watch=1", "get", "", "v1", "ns", "pods", "", "p"},
      {"GET", "/api/v1/nodes", "fieldSelector=metadata.name%3Dn1&watch=1", "watch", "", "v1", "", "nodes", "", "n1"},
      {"GET", "/api/v1/nodes", "fieldSelector=a%3Db,metadata.name%3D%3Dn1", "list", "", "v1", "", "nodes", "", "n1"},
      {"GET", "/api/v1/nodes", "fieldSelector=metadata.name!%3Dn1", "list", "", "v1", "", "nodes", "", ""},
      {"GET", "/api/v1/nodes", "fieldSelector=metadata.name%3Da%2Fb", "list", "", "v1", "", "nodes", "", ""},
      {"GET", "/api/v1/nodes", "fieldSelector=metadata.name%3Dn1&limit=x", "list", "", "v1", "", "nodes", "", ""},
      {"DELETE", "/api/v1/nodes", "fieldSelector=metadata.name%3Dn1", "deletecollection", "", "v1", "", "nodes", "", ""},
      {"GET", "/api/v1/namespaces/n%73/pods/a%20b", "", "get", "", "v1", "ns", "pods", "", "a b"},
      {"GET", "/api/v1/namespaces/ns/pods/a%2Flog", "", "get", "", "v1", "ns", "pods", "log", "a"},
      {"OPTIONS", "/api/v1/pods", "", "", "", "v1", "", "pods", "", ""},
      {"GET", "/apis/apps/v1/namespaces/ns", "", "get", "apps", "v1", "ns", "namespaces", "", "ns"},
  };
  for (const auto& c : cases) check(c);
}

TEST(RequestInfo, NonResources) {
  struct Case {
    const char* method;
    const char* path;
    const char* verb;
  };
  const Case cases[] = {
      {"GET", "/", "get"},
      {"GET", "", "get"},
      {"GET", "/api", "get"},
      {"GET", "/api/v1", "get"},
      {"GET", "/apis", "get"},
      {"GET", "/apis/apps", "get"},
      {"GET", "/apis/apps/v1", "get"},
      {"POST", "/healthz", "post"},
      {"GET", "/openapi/v3/apis/apps/v1", "get"},
      {"HEAD", "/version", "head"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.path);
    const auto info = parse_request_info(c.method, c.path, Query());
    ASSERT_TRUE(info);
    EXPECT_FALSE(info->is_resource);
    EXPECT_EQ(info->verb, c.verb);
    EXPECT_EQ(info->path, c.path);
  }
}

TEST(RequestInfo, SelectorsAreForCollectionsAndNotForVerbsInThePath) {
  auto info = parse_request_info("GET", "/api/v1/pods", Query::parse("labelSelector=a%3Db+c&fieldSelector=spec.nodeName%3Dn"));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->label_selector, "a=b c");
  EXPECT_EQ(info->field_selector, "spec.nodeName=n");
  info = parse_request_info("GET", "/api/v1/watch/pods", Query::parse("labelSelector=a"));
  EXPECT_EQ(info->label_selector, "");
  info = parse_request_info("GET", "/api/v1/namespaces/n/pods/p", Query::parse("labelSelector=a"));
  EXPECT_EQ(info->label_selector, "");
}

TEST(RequestInfo, BadInput) {
  for (const char* path : {"/api/v1/pods/%zz", "/api/v1/pods/%2", "/%", "/api/v1/watch", "/api/v1/proxy/"}) {
    SCOPED_TRACE(path);
    const auto info = parse_request_info("GET", path, Query::parse(""));
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().reason, Reason::BadRequest);
  }
  EXPECT_TRUE(parse_request_info("GET", "/api/v1/pods", Query::parse("%zz=1&;&=&watch=%z&a;b")));
}

}  // namespace
}  // namespace pintle::apiserver
