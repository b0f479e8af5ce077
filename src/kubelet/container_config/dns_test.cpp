#include "kubelet/container_config/dns.h"

#include <gtest/gtest.h>

#include "kubelet/container_config/hostname.h"

namespace pintle::kubelet::container_config {
namespace {

namespace core = api::core_v1;

struct Expected {
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;
  std::size_t warnings = 0;
};

core::Pod pod_with(std::string policy, bool host_network = false) {
  core::Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "shop";
  pod.spec.dns_policy = std::move(policy);
  pod.spec.host_network = host_network;
  return pod;
}

NodeConfig node() {
  NodeConfig out;
  out.cluster_dns = {"10.96.0.10"};
  out.resolv_conf = "# local\nnameserver 8.8.8.8\nnameserver  9.9.9.9\nsearch old\nsearch example.com. .\noptions ndots:2 rotate\noptions ndots:3\n";
  return out;
}

void check(const core::Pod& pod, const NodeConfig& on, const Expected& expected) {
  std::vector<ConfigWarning> warnings;
  const auto dns = make_dns_config(pod, on, warnings);
  ASSERT_TRUE(dns) << dns.error().message;
  EXPECT_EQ(dns->servers, expected.servers);
  EXPECT_EQ(dns->searches, expected.searches);
  EXPECT_EQ(dns->options, expected.options);
  EXPECT_EQ(warnings.size(), expected.warnings);
}

TEST(Dns, Policies) {
  const std::vector<std::string> cluster = {"shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com"};
  const Expected from_cluster{{"10.96.0.10"}, cluster, {"ndots:5"}};
  const Expected from_host{{"8.8.8.8", "9.9.9.9"}, {"example.com"}, {"ndots:3", "rotate"}};
  check(pod_with("ClusterFirst"), node(), from_cluster);
  check(pod_with("ClusterFirst", true), node(), from_host);
  check(pod_with("ClusterFirstWithHostNet", true), node(), from_cluster);
  check(pod_with("Default"), node(), from_host);
  check(pod_with("None"), node(), {});
}

TEST(Dns, NoClusterServer) {
  NodeConfig on = node();
  on.cluster_dns.clear();
  check(pod_with("ClusterFirst"), on, {{"8.8.8.8", "9.9.9.9"}, {"example.com"}, {"ndots:3", "rotate"}, 1});
}

TEST(Dns, NoResolvConf) {
  NodeConfig on = node();
  on.has_resolv_conf = false;
  on.node_ips = {"192.168.0.1", "fd00::1"};
  check(pod_with("Default"), on, {{"127.0.0.1", "::1"}, {"."}, {}});
  check(pod_with("ClusterFirst"), on, {{"10.96.0.10"}, {"shop.svc.cluster.local", "svc.cluster.local", "cluster.local"}, {"ndots:5"}});
}

TEST(Dns, PodConfigIsMerged) {
  core::Pod pod = pod_with("ClusterFirst");
  core::PodDNSConfig& config = pod.spec.dns_config.ensure();
  config.nameservers = {"10.96.0.10", "1.1.1.1"};
  config.searches = {"extra.org", "cluster.local"};
  config.options = {{"ndots", "1"}, {"edns0", {}}};
  check(pod, node(),
        {{"10.96.0.10", "1.1.1.1"},
         {"shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com", "extra.org"},
         {"ndots:1", "edns0"}});
}

TEST(Dns, Limits) {
  core::Pod pod = pod_with("None");
  core::PodDNSConfig& config = pod.spec.dns_config.ensure();
  config.nameservers = {"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"};
  for (int i = 0; i < 40; ++i) config.searches.push_back("s" + std::to_string(i));
  std::vector<ConfigWarning> warnings;
  auto dns = make_dns_config(pod, node(), warnings);
  ASSERT_TRUE(dns);
  EXPECT_EQ(dns->servers.size(), 3u);
  EXPECT_EQ(dns->searches.size(), 32u);
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].reason, "DNSConfigForming");
  EXPECT_EQ(warnings[0].message,
            "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1.1.1.1 1.1.1.2 1.1.1.3");

  config.nameservers = {"1.1.1.1"};
  config.searches = {std::string(300, 'a'), "short"};
  warnings.clear();
  dns = make_dns_config(pod, node(), warnings);
  EXPECT_EQ(dns->searches, std::vector<std::string>{"short"});
  EXPECT_EQ(warnings.size(), 1u);

  config.searches.clear();
  for (int i = 0; i < 12; ++i) config.searches.push_back(std::string(200, static_cast<char>('a' + i)));
  warnings.clear();
  dns = make_dns_config(pod, node(), warnings);
  EXPECT_EQ(dns->searches.size(), 10u) << "2048 characters";
  EXPECT_EQ(warnings.size(), 1u);
}

TEST(Dns, BadResolvConf) { EXPECT_FALSE(parse_resolv_conf("nameserver\n")); }

void check_hostname(const core::Pod& pod, std::string_view name, std::string_view domain, std::string_view kernel) {
  const auto hostname = pod_hostname(pod, "cluster.local");
  ASSERT_TRUE(hostname) << hostname.error().message;
  EXPECT_EQ(hostname->name, name);
  EXPECT_EQ(hostname->domain, domain);
  EXPECT_EQ(kernel_hostname(pod, *hostname).value(), kernel);
}

TEST(Hostname, NamesAndDomains) {
  core::Pod pod = pod_with("ClusterFirst");
  check_hostname(pod, "web", "", "web");
  pod.spec.hostname = "busy";
  pod.spec.subdomain = "sub";
  check_hostname(pod, "busy", "sub.shop.svc.cluster.local", "busy");
  pod.spec.set_hostname_as_fqdn = true;
  check_hostname(pod, "busy", "sub.shop.svc.cluster.local", "busy.sub.shop.svc.cluster.local");
  pod.spec.subdomain = std::string(60, 'x');
  const auto hostname = pod_hostname(pod, "cluster.local");
  ASSERT_TRUE(hostname);
  EXPECT_FALSE(kernel_hostname(pod, *hostname)) << "65 characters and more";
  pod = pod_with("ClusterFirst");
  pod.metadata.name = std::string(62, 'a') + "-bcd";
  check_hostname(pod, std::string(62, 'a'), "", std::string(62, 'a'));
  pod.spec.hostname_override = "my.host.name";
  check_hostname(pod, "my.host.name", "", "my.host.name");
  pod.spec.hostname_override.reset();
  pod.spec.hostname = "Not_A_Label";
  EXPECT_FALSE(pod_hostname(pod, "cluster.local"));
}

TEST(Hosts, Managed) {
  core::HostAlias alias;
  alias.ip = "123.45.67.89";
  alias.hostnames = {"some.domain", "some"};
  EXPECT_EQ(managed_hosts({"10.0.0.5", "fd00::5"}, {"web", "sub.shop.svc.cluster.local"}, {alias}),
            "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
            "fe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
            "10.0.0.5\tweb.sub.shop.svc.cluster.local\tweb\nfd00::5\tweb.sub.shop.svc.cluster.local\tweb\n"
            "\n# Entries added by HostAliases.\n123.45.67.89\tsome.domain\tsome\n");
  EXPECT_EQ(node_hosts("127.0.0.1 here\n", {}), "# Kubernetes-managed hosts file (host network).\n127.0.0.1 here\n");
}

}  // namespace
}  // namespace pintle::kubelet::container_config
