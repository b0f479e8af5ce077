#include "apiserver/connect/target.h"

#include <gtest/gtest.h>

#include "apiserver/connect/kubelet_client.h"
#include "apiserver/connect/stream_translator.h"

namespace pintle::apiserver::connect {
namespace {

namespace core = api::core_v1;

std::string shown(std::string_view id) {
  const auto name = parse_proxy_name(id);
  return name ? name->scheme + "|" + name->name + "|" + name->port : "none";
}
TEST(ConnectTarget, ProxyNames) {
  EXPECT_EQ(shown("web"), "|web|");
  EXPECT_EQ(shown("web:80"), "|web|80");
  EXPECT_EQ(shown("https:web:"), "https|web|");
  EXPECT_EQ(shown("http:web:named"), "http|web|named");
  for (const std::string_view bad : {"", ":80", "ftp:web:80", "a:b:c:d"}) EXPECT_EQ(shown(bad), "none") << bad;
}

core::Pod pod_with(std::vector<std::string> containers) {
  core::Pod pod;
  pod.metadata.name = "p";
  pod.spec.init_containers.emplace_back().name = "init";
  for (std::string& name : containers) pod.spec.containers.emplace_back().name = std::move(name);
  pod.status.pod_ip = "10.0.0.9";
  return pod;
}
std::string chosen(const core::Pod& pod, const std::string& wanted) {
  const auto container = choose_container(pod, wanted);
  return container ? *container : container.error().message;
}
TEST(ConnectTarget, Containers) {
  EXPECT_EQ(chosen(pod_with({"a"}), ""), "a");
  EXPECT_EQ(chosen(pod_with({"a"}), "init"), "init");
  EXPECT_EQ(chosen(pod_with({"a"}), "b"), "container b is not valid for pod p");
  EXPECT_EQ(chosen(pod_with({"a", "b"}), ""), "a container name must be specified for pod p, choose one of: [init a b]");
}

TEST(ConnectTarget, Queries) {
  EXPECT_EQ(net::format_query(exec_query(parse_exec_options(net::parse_query("command=sh&command=-c&stdin=true&stdout=&tty=false")))),
            "command=sh&command=-c&input=1&output=1");
  EXPECT_EQ(net::format_query(*port_forward_query(net::parse_query("ports=80&ports=443"))), "port=80%2C443");
  EXPECT_FALSE(port_forward_query(net::parse_query("ports=x")));
}

TEST(ConnectTarget, Addresses) {
  for (const std::string_view good :
       {"10.0.0.1", "192.168.1.1", "8.8.8.8", "fd00::1", "2001:db8::1", "::ffff:10.0.0.1", "64:ff9b::8.8.8.8", "2002:a00:1::1"})
    EXPECT_TRUE(is_proxyable_address(good)) << good;
  for (const std::string_view bad :
       {"", "127.0.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "fe80::1", "ff02::1", "::", "host",
        // The same in the forms that carry an IPv4 address.
        "0.1.2.3", "::ffff:127.0.0.1", "::ffff:7f00:1", "::FFFF:169.254.169.254", "::ffff:0.0.0.0", "::ffff:224.0.0.1", "::127.0.0.1",
        "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "127.1",
        "0x7f.0.0.1", "2130706433", "fe80::1%lo", "[::1]"})
    EXPECT_FALSE(is_proxyable_address(bad)) << bad;
  EXPECT_EQ(net::join_host_port("::1", "80"), "[::1]:80");
}

TEST(ConnectTarget, Pods) {
  core::Pod pod = pod_with({"a"});
  EXPECT_EQ(*pod_origin(pod, *parse_proxy_name("p")), "http://10.0.0.9");
  pod.spec.containers.front().ports.emplace_back().container_port = 8080;
  EXPECT_EQ(*pod_origin(pod, *parse_proxy_name("p")), "http://10.0.0.9:8080");
  EXPECT_EQ(*pod_origin(pod, *parse_proxy_name("https:p:1")), "https://10.0.0.9:1");
  pod.status.pod_ip = "127.0.0.1";
  EXPECT_EQ(pod_origin(pod, *parse_proxy_name("p")).error().message, "address not allowed");
}

std::string first_origin(const core::Service* service, const core::Endpoints& endpoints, std::string_view id, uint64_t seed) {
  const auto origins = service_origins(service, endpoints, *parse_proxy_name(id), seed);
  return origins ? origins->front().origin : origins.error().message;
}
TEST(ConnectTarget, Services) {
  core::Service service;
  service.metadata.name = "s";
  auto& port = service.spec.ports.emplace_back();
  port.name = "web";
  port.port = 80;
  core::Endpoints endpoints;
  EXPECT_EQ(first_origin(nullptr, endpoints, "s", 0), "no endpoints available for service \"s\"");
  auto& subset = endpoints.subsets.emplace_back();
  subset.addresses.emplace_back().ip = "10.0.0.1";
  subset.addresses.emplace_back().ip = "10.0.0.2";
  auto& named = subset.ports.emplace_back();
  named.name = "web";
  named.port = 8080;
  EXPECT_EQ(first_origin(nullptr, endpoints, "s:web", 0), "http://10.0.0.1:8080");
  EXPECT_EQ(first_origin(nullptr, endpoints, "s:web", 3), "http://10.0.0.2:8080");
  EXPECT_EQ(first_origin(&service, endpoints, "https:s:80", 0), "https://10.0.0.1:8080");
  EXPECT_EQ(first_origin(&service, endpoints, "s:81", 0), "no service port 81 found for service \"s\"");
  EXPECT_EQ(first_origin(nullptr, endpoints, "s", 0), "no endpoints available for service \"s\"");
  core::EndpointAddress address = subset.addresses.front();
  core::Pod pod = pod_with({"a"});
  EXPECT_FALSE(is_endpoint_of(address, "ns", pod));
  address.target_ref.ensure().namespace_ = "ns";
  EXPECT_FALSE(is_endpoint_of(address, "ns", pod));
  pod.status.pod_ip = "10.0.0.1";
  EXPECT_TRUE(is_endpoint_of(address, "ns", pod));
}

TEST(ConnectTarget, Paths) {
  EXPECT_EQ(path_behind("/api/v1/namespaces/n/pods/p/proxy", 7), "");
  EXPECT_EQ(path_behind("/api/v1/namespaces/n/pods/p/proxy/", 7), "/");
  EXPECT_EQ(path_behind("/api/v1/nodes/n/proxy/a%2Fb//c/", 5), "/a%2Fb//c/");
  const auto rewritten = [](const std::string& location) {
    return rewrite_location(location, "http://10.0.0.1:80", "https", "api:6443", "/api/v1/p/proxy");
  };
  EXPECT_EQ(rewritten("/next?a=b"), "https://api:6443/api/v1/p/proxy/next?a=b");
  EXPECT_EQ(rewritten("http://10.0.0.1:80/next"), "https://api:6443/api/v1/p/proxy/next");
  EXPECT_EQ(rewritten("https://api:6443/api/v1/p/proxy/x"), "https://api:6443/api/v1/p/proxy/x");
  EXPECT_EQ(rewritten("https://example.com/next"), "https://example.com/next");
  EXPECT_EQ(rewritten("next"), "next");
}

TEST(ConnectTarget, Links) {
  const auto rewritten = [](std::string_view link) { return rewrite_link(link, "http://10.0.0.1:80", "/api/v1/p/proxy"); };
  EXPECT_EQ(rewritten("/next?a=b#c"), "/api/v1/p/proxy/next?a=b#c");
  EXPECT_EQ(rewritten("http://10.0.0.1:80/next"), "/api/v1/p/proxy/next");
  EXPECT_EQ(rewritten("/api/v1/p/proxy/x"), "/api/v1/p/proxy/x");
  for (const char* left : {"https://example.com/next", "//example.com/next", "next", "#top", "", "mailto:a@b"}) EXPECT_EQ(rewritten(left), left);
}

TEST(ConnectTarget, Kubelets) {
  core::Node node;
  node.status.addresses.emplace_back().type = "InternalIP";
  node.status.addresses.front().address = "fd00::2";
  EXPECT_EQ(kubelet_address(node, {"Hostname", "InternalIP"})->origin(), "https://[fd00::2]:10250");
  node.status.daemon_endpoints.kubelet_endpoint.port = 1234;
  EXPECT_EQ(kubelet_address(node, {"InternalIP"})->origin(), "https://[fd00::2]:1234");
  EXPECT_EQ(kubelet_address(node, {"Hostname"}).error().message, "no preferred addresses found; known addresses: [{InternalIP fd00::2}]");
}

TEST(ConnectTarget, ErrorStreams) {
  EXPECT_EQ(translated_status(""), R"({"metadata":{},"status":"Success"})");
  EXPECT_EQ(translated_status(R"({"metadata":{},"status":"Success"})"), R"({"metadata":{},"status":"Success"})");
  EXPECT_EQ(
      translated_status(R"({"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}})"),
      R"({"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: command terminated with exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}})");
  EXPECT_NE(translated_status(R"({"status":"Failure","message":"no such file"})").find("Internal error occurred: no such file"), std::string::npos);
  EXPECT_NE(translated_status("rubbish").find("error stream protocol error"), std::string::npos);
}

}  // namespace
}  // namespace pintle::apiserver::connect
