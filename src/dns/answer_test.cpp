#include "dns/answer.h"

#include <gtest/gtest.h>

#include <set>

#include "dns/testing.h"

namespace pintle::dns {
namespace {

using api::core_v1::Service;
using api::discovery_v1::Endpoint;
using api::discovery_v1::EndpointSlice;

constexpr const char* soa = "; authority cluster.local. 30 SOA";

struct TestPort {
  std::string name;
  std::string protocol;
  int32_t port;
};

Service service(std::string name, std::vector<std::string> cluster_ips, std::vector<TestPort> ports) {
  Service out;
  out.metadata.name = std::move(name);
  out.metadata.namespace_ = "shop";
  out.spec.cluster_ips = cluster_ips;
  out.spec.cluster_ip = cluster_ips.empty() ? "" : cluster_ips[0];
  for (const TestPort& port : ports) {
    api::core_v1::ServicePort p;
    p.name = port.name;
    p.protocol = port.protocol;
    p.port = port.port;
    out.spec.ports.push_back(std::move(p));
  }
  return out;
}

Service external(std::string name, std::string target) {
  Service out = service(std::move(name), {}, {});
  out.spec.type = "ExternalName";
  out.spec.external_name = std::move(target);
  return out;
}

struct TestEndpoint {
  std::string address;
  std::string hostname;
  bool ready = true;
};
EndpointSlice slice(std::string name, std::string service_name, std::vector<TestEndpoint> endpoints, std::vector<TestPort> ports) {
  EndpointSlice out;
  out.metadata.name = std::move(name);
  out.metadata.namespace_ = "shop";
  out.metadata.labels["kubernetes.io/service-name"] = std::move(service_name);
  for (const TestEndpoint& endpoint : endpoints) {
    Endpoint e;
    e.addresses.push_back(endpoint.address);
    if (!endpoint.hostname.empty()) e.hostname = endpoint.hostname;
    e.conditions.ready = endpoint.ready;
    out.endpoints.push_back(std::move(e));
  }
  for (const TestPort& port : ports) {
    api::discovery_v1::EndpointPort p;
    p.name = port.name;
    p.protocol = port.protocol;
    p.port = port.port;
    out.ports.push_back(std::move(p));
  }
  return out;
}

Zone shop_zone(PodRecords pods = PodRecords::Insecure) {
  ZoneOptions options;
  options.pods = pods;
  options.nameservers = {"10.96.0.10"};
  Zone zone(options);
  zone.put_namespace("shop");
  zone.put_service(service("web", {"10.96.0.20", "fd00::20"}, {{"http", "TCP", 80}, {"dns", "UDP", 53}}));
  zone.put_service(service("db", {"None"}, {{"sql", "TCP", 5432}}));
  zone.put_slice(slice("db-1", "db", {{"10.0.0.1", "db-0"}, {"10.0.0.2", ""}, {"10.0.0.3", "db-2", false}}, {{"sql", "TCP", 5432}}));
  zone.put_slice(slice("db-2", "db", {{"fd00::1", "db-0"}}, {{"sql", "TCP", 5432}}));
  Service eager = service("eager", {"None"}, {});
  eager.spec.publish_not_ready_addresses = true;
  zone.put_slice(slice("eager-1", "eager", {{"10.0.0.9", "", false}}, {}));
  zone.put_service(eager);
  zone.put_service(service("empty", {"None"}, {}));
  zone.put_service(external("outside", "www.Example.com"));
  zone.put_service(external("alias", "web.shop.svc.cluster.local."));
  zone.put_service(external("ring", "ring.shop.svc.cluster.local"));
  zone.put_service(external("broken", "nowhere.shop.svc.cluster.local"));
  zone.put_slice(slice("web-1", "web", {{"10.0.0.2", ""}}, {{"http", "TCP", 8080}}));
  return zone;
}

std::string ask(const Zone& zone, std::string_view name, uint16_t type, uint16_t edns_bytes = 0, uint32_t turn = 0) {
  const std::string packet = testing::query_packet(name, type, 7, edns_bytes);
  const ParsedQuery parsed = parse_query(packet);
  EXPECT_EQ(parsed.outcome, Parsed::Query);
  Writer writer(parsed.query, parsed.query.udp_bytes);
  const Answer out = answer(parsed.query, zone, turn, writer);
  if (out.next == Next::Forward) return "forward";
  return (out.next == Next::Chase ? "chase " + to_text(out.target) + " " : "") + testing::show(writer.finish());
}

TEST(ClusterDomain, Records) {
  const Zone zone = shop_zone();
  const std::string web = "web.shop.svc.cluster.local";
  const struct {
    std::string name;
    uint16_t type;
    std::string want;
  } rows[] = {
      {web, type::A, "NOERROR aa; answer web.shop.svc.cluster.local. 30 A 10.96.0.20"},
      {web, type::AAAA, "NOERROR aa; answer web.shop.svc.cluster.local. 30 AAAA fd00::20"},
      {"WEB.Shop.svc.CLUSTER.local", type::A, "NOERROR aa; answer WEB.Shop.svc.CLUSTER.local. 30 A 10.96.0.20"},
      {web, type::MX, std::string("NOERROR aa") + soa},
      {web, type::CNAME, std::string("NOERROR aa") + soa},
      {"_http._tcp." + web, type::SRV,
       "NOERROR aa; answer _http._tcp.web.shop.svc.cluster.local. 30 SRV 0 100 80 web.shop.svc.cluster.local."
       "; additional web.shop.svc.cluster.local. 30 A 10.96.0.20; additional web.shop.svc.cluster.local. 30 AAAA fd00::20"},
      {"_dns._udp." + web, type::SRV,
       "NOERROR aa; answer _dns._udp.web.shop.svc.cluster.local. 30 SRV 0 100 53 web.shop.svc.cluster.local."
       "; additional web.shop.svc.cluster.local. 30 A 10.96.0.20; additional web.shop.svc.cluster.local. 30 AAAA fd00::20"},
      {"_http._udp." + web, type::SRV, std::string("NXDOMAIN aa") + soa},
      {"_http._tcp." + web, type::A, std::string("NOERROR aa") + soa},
      {"_tcp." + web, type::A, std::string("NOERROR aa") + soa},
      {"_sctp." + web, type::A, std::string("NXDOMAIN aa") + soa},
      {"10-0-0-2." + web, type::A, "NOERROR aa; answer 10-0-0-2.web.shop.svc.cluster.local. 30 A 10.0.0.2"},
      {"x." + web, type::A, std::string("NXDOMAIN aa") + soa},
      {"a.b.c." + web, type::A, std::string("NXDOMAIN aa") + soa},
      {"nobody.shop.svc.cluster.local", type::A, std::string("NXDOMAIN aa") + soa},
      {"web.other.svc.cluster.local", type::A, std::string("NXDOMAIN aa") + soa},
      {"shop.svc.cluster.local", type::A, std::string("NOERROR aa") + soa},
      {"other.svc.cluster.local", type::A, std::string("NXDOMAIN aa") + soa},
      {"svc.cluster.local", type::A, std::string("NOERROR aa") + soa},
      {"www.example.com.cluster.local", type::A, std::string("NXDOMAIN aa") + soa},
      {"dns-version.cluster.local", type::TXT, "NOERROR aa; answer dns-version.cluster.local. 30 TXT 1.1.0"},
      {"dns-version.cluster.local", type::A, std::string("NOERROR aa") + soa},
      {"cluster.local", type::SOA, "NOERROR aa; answer cluster.local. 30 SOA"},
      {"cluster.local", type::A, std::string("NOERROR aa") + soa},
      {"cluster.local", type::NS, "NOERROR aa; answer cluster.local. 30 NS ns.dns.cluster.local.; additional ns.dns.cluster.local. 30 A 10.96.0.10"},
      {"ns.dns.cluster.local", type::A, "NOERROR aa; answer ns.dns.cluster.local. 30 A 10.96.0.10"},
      {"example.com", type::A, "forward"},
      {"notcluster.local", type::A, "forward"},
  };
  for (const auto& row : rows) EXPECT_EQ(ask(zone, row.name, row.type), row.want) << row.name << " " << type_name(row.type);
}

TEST(ClusterDomain, HeadlessServices) {
  const Zone zone = shop_zone();
  const std::string db = "db.shop.svc.cluster.local";
  EXPECT_EQ(ask(zone, db, type::A), "NOERROR aa; answer db.shop.svc.cluster.local. 30 A 10.0.0.1; answer db.shop.svc.cluster.local. 30 A 10.0.0.2");
  EXPECT_EQ(ask(zone, db, type::A, 0, 1),
            "NOERROR aa; answer db.shop.svc.cluster.local. 30 A 10.0.0.2; answer db.shop.svc.cluster.local. 30 A 10.0.0.1");
  EXPECT_EQ(ask(zone, db, type::AAAA), "NOERROR aa; answer db.shop.svc.cluster.local. 30 AAAA fd00::1");
  EXPECT_EQ(ask(zone, "db-0." + db, type::A), "NOERROR aa; answer db-0.db.shop.svc.cluster.local. 30 A 10.0.0.1");
  EXPECT_EQ(ask(zone, "db-0." + db, type::AAAA), "NOERROR aa; answer db-0.db.shop.svc.cluster.local. 30 AAAA fd00::1");
  EXPECT_EQ(ask(zone, "db-2." + db, type::A), std::string("NXDOMAIN aa") + soa);
  EXPECT_EQ(ask(zone, "10-0-0-2." + db, type::A), "NOERROR aa; answer 10-0-0-2.db.shop.svc.cluster.local. 30 A 10.0.0.2");
  EXPECT_EQ(ask(zone, "_sql._tcp." + db, type::SRV),
            "NOERROR aa; answer _sql._tcp.db.shop.svc.cluster.local. 30 SRV 0 50 5432 db-0.db.shop.svc.cluster.local."
            "; answer _sql._tcp.db.shop.svc.cluster.local. 30 SRV 0 50 5432 10-0-0-2.db.shop.svc.cluster.local."
            "; additional db-0.db.shop.svc.cluster.local. 30 A 10.0.0.1; additional db-0.db.shop.svc.cluster.local. 30 AAAA fd00::1"
            "; additional 10-0-0-2.db.shop.svc.cluster.local. 30 A 10.0.0.2");
  EXPECT_EQ(ask(zone, "eager.shop.svc.cluster.local", type::A), "NOERROR aa; answer eager.shop.svc.cluster.local. 30 A 10.0.0.9");
  EXPECT_EQ(ask(zone, "eager.shop.svc.cluster.local", type::AAAA), std::string("NOERROR aa") + soa);
  EXPECT_EQ(ask(zone, "empty.shop.svc.cluster.local", type::A), std::string("NXDOMAIN aa") + soa);
}

TEST(ClusterDomain, ExternalNames) {
  const Zone zone = shop_zone();
  EXPECT_EQ(ask(zone, "outside.shop.svc.cluster.local", type::CNAME), "NOERROR aa; answer outside.shop.svc.cluster.local. 30 CNAME www.example.com.");
  EXPECT_EQ(ask(zone, "outside.shop.svc.cluster.local", type::A),
            "chase www.example.com. NOERROR aa; answer outside.shop.svc.cluster.local. 30 CNAME www.example.com.");
  EXPECT_EQ(
      ask(zone, "alias.shop.svc.cluster.local", type::A),
      "NOERROR aa; answer alias.shop.svc.cluster.local. 30 CNAME web.shop.svc.cluster.local.; answer web.shop.svc.cluster.local. 30 A 10.96.0.20");
  EXPECT_EQ(ask(zone, "broken.shop.svc.cluster.local", type::A),
            std::string("NXDOMAIN aa; answer broken.shop.svc.cluster.local. 30 CNAME nowhere.shop.svc.cluster.local.") + soa);
  EXPECT_TRUE(ask(zone, "ring.shop.svc.cluster.local", type::A, 1232).starts_with("SERVFAIL"));
}

TEST(ClusterDomain, PodRecords) {
  Zone zone = shop_zone();
  EXPECT_EQ(ask(zone, "10-1-2-3.shop.pod.cluster.local", type::A), "NOERROR aa; answer 10-1-2-3.shop.pod.cluster.local. 30 A 10.1.2.3");
  EXPECT_EQ(ask(zone, "fd00--7.shop.pod.cluster.local", type::AAAA), "NOERROR aa; answer fd00--7.shop.pod.cluster.local. 30 AAAA fd00::7");
  EXPECT_EQ(ask(zone, "10-1-2-3.shop.pod.cluster.local", type::AAAA), std::string("NOERROR aa") + soa);
  for (const char* name :
       {"10-1-2-3.other.pod.cluster.local", "10-1-2-300.shop.pod.cluster.local", "web.shop.pod.cluster.local", "x.10-1-2-3.shop.pod.cluster.local"})
    EXPECT_EQ(ask(zone, name, type::A), std::string("NXDOMAIN aa") + soa) << name;
  Zone verified = shop_zone(PodRecords::Verified);
  const std::string name = "10-1-2-3.shop.pod.cluster.local";
  EXPECT_EQ(ask(verified, name, type::A), std::string("NXDOMAIN aa") + soa);
  verified.put_pod("shop", "p", {"10.1.2.3"});
  EXPECT_EQ(ask(verified, name, type::A), "NOERROR aa; answer 10-1-2-3.shop.pod.cluster.local. 30 A 10.1.2.3");
  verified.put_pod("shop", "p", {});
  EXPECT_EQ(ask(verified, name, type::A), std::string("NXDOMAIN aa") + soa);
  EXPECT_EQ(ask(shop_zone(PodRecords::Disabled), name, type::A), std::string("NXDOMAIN aa") + soa);
}

TEST(ClusterDomain, Backwards) {
  const Zone zone = shop_zone();
  EXPECT_EQ(ask(zone, "20.0.96.10.in-addr.arpa", type::PTR), "NOERROR aa; answer 20.0.96.10.in-addr.arpa. 30 PTR web.shop.svc.cluster.local.");
  EXPECT_EQ(ask(zone, "1.0.0.10.in-addr.arpa", type::PTR), "NOERROR aa; answer 1.0.0.10.in-addr.arpa. 30 PTR db-0.db.shop.svc.cluster.local.");
  EXPECT_EQ(ask(zone, "2.0.0.10.in-addr.arpa", type::PTR),
            "NOERROR aa; answer 2.0.0.10.in-addr.arpa. 30 PTR 10-0-0-2.db.shop.svc.cluster.local."
            "; answer 2.0.0.10.in-addr.arpa. 30 PTR 10-0-0-2.web.shop.svc.cluster.local.");
  std::string v6 = "0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
  EXPECT_EQ(ask(zone, v6, type::PTR), "NOERROR aa; answer " + v6 + ". 30 PTR web.shop.svc.cluster.local.");
  for (const char* name : {"3.0.0.10.in-addr.arpa", "9.9.9.9.in-addr.arpa", "96.10.in-addr.arpa", "in-addr.arpa", "01.0.0.10.in-addr.arpa"})
    EXPECT_EQ(ask(zone, name, type::PTR), "forward") << name;
}

TEST(ClusterDomain, ChangesShowAtOnce) {
  Zone zone = shop_zone();
  const std::string web = "web.shop.svc.cluster.local";
  const uint32_t serial = zone.serial();
  zone.put_service(service("web", {"10.96.0.21"}, {}));
  EXPECT_GT(zone.serial(), serial);
  EXPECT_EQ(ask(zone, web, type::A), "NOERROR aa; answer web.shop.svc.cluster.local. 30 A 10.96.0.21");
  EXPECT_EQ(ask(zone, "20.0.96.10.in-addr.arpa", type::PTR), "forward");
  // The slice outlives its service, and serves the next one.
  zone.remove_service("shop", "web");
  EXPECT_EQ(ask(zone, web, type::A), std::string("NXDOMAIN aa") + soa);
  EXPECT_EQ(ask(zone, "2.0.0.10.in-addr.arpa", type::PTR), "NOERROR aa; answer 2.0.0.10.in-addr.arpa. 30 PTR 10-0-0-2.db.shop.svc.cluster.local.");
  zone.put_service(service("web", {"None"}, {}));
  EXPECT_EQ(ask(zone, web, type::A), "NOERROR aa; answer web.shop.svc.cluster.local. 30 A 10.0.0.2");
  // A slice goes over to another service.
  zone.put_slice(slice("web-1", "db", {{"10.0.0.2", ""}}, {}));
  EXPECT_EQ(ask(zone, web, type::A), std::string("NXDOMAIN aa") + soa);
  zone.remove_slice("shop", "web-1");
  zone.remove_slice("shop", "db-1");
  zone.remove_slice("shop", "db-2");
  EXPECT_EQ(ask(zone, "db.shop.svc.cluster.local", type::A), std::string("NXDOMAIN aa") + soa);
  EXPECT_EQ(ask(zone, "1.0.0.10.in-addr.arpa", type::PTR), "forward");
  zone.remove_namespace("shop");
  EXPECT_EQ(ask(zone, "shop.svc.cluster.local", type::A), std::string("NXDOMAIN aa") + soa);
}

TEST(ClusterDomain, LongAnswersAreTruncated) {
  Zone zone = shop_zone();
  std::vector<TestEndpoint> endpoints;
  for (int i = 0; i < 200; ++i) endpoints.push_back({"10.1.0." + std::to_string(i), "", true});
  zone.put_service(service("many", {"None"}, {}));
  zone.put_slice(slice("many-1", "many", endpoints, {}));
  const auto answers = [&](uint16_t edns_bytes) {
    const std::string text = ask(zone, "many.shop.svc.cluster.local", type::A, edns_bytes);
    EXPECT_TRUE(text.starts_with("NOERROR aa tc")) << text;
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find("; answer", at)) != std::string::npos; ++at) ++n;
    return n;
  };
  EXPECT_EQ(answers(0), (512u - 12 - 34 + 2) / 16 - 0u);
  EXPECT_GT(answers(1232), 60u);
  EXPECT_EQ(answers(4096), answers(1232));
}

}  // namespace
}  // namespace pintle::dns
