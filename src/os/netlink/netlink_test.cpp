#include "os/netlink/netlink.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <thread>

#include "os/netlink/message.h"

namespace pintle::os::netlink {
namespace {

TEST(NetlinkText, Addresses) {
  const auto check = [](std::string_view text, int length, std::string_view again) {
    const auto ip = parse_ip(text);
    ASSERT_TRUE(ip) << text;
    EXPECT_EQ(ip->bits, length);
    EXPECT_EQ(format_ip(ip->address.wire()), again);
  };
  check("10.0.0.1", 32, "10.0.0.1");
  check("10.0.0.0/24", 24, "10.0.0.0");
  check("fd00:0:0::1/64", 64, "fd00::1");
  for (const std::string_view bad : {"", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "fd00::/129", "a/24"})
    EXPECT_FALSE(parse_ip(bad)) << bad;
  EXPECT_EQ(format_mac(*parse_mac("0a:58:0A:00:00:ff")), "0a:58:0a:00:00:ff");
  for (const std::string_view bad : {"", "0a:58", "0a:58:0a:00:00:fg", "0a:58:0a:00:00:ff:01", "0a:58:0a:00:00:ff:"})
    EXPECT_FALSE(parse_mac(bad)) << bad;
}

TEST(NetlinkText, HostileAttributes) {
  EXPECT_TRUE(parse_attributes("").empty());
  EXPECT_TRUE(parse_attributes(std::string_view("\x02\x00\x01\x00", 4)).empty());    // shorter than its header
  EXPECT_TRUE(parse_attributes(std::string_view("\xff\x00\x01\x00", 4)).empty());    // longer than there is
  EXPECT_EQ(parse_attributes(std::string_view("\x05\x00\x01\x00x", 5)).at(1), "x");  // unpadded at the end
}

// Runs `body` in a network namespace of its own, on a thread of its own; false if this process may not make one.
template <class Body>
bool in_network_namespace(Body body) {
  bool made = false;
  std::thread([&] {
    made = ::unshare(CLONE_NEWNET) == 0;
    if (made) body();
  }).join();
  return made;
}

#define ASSERT_OK(expression) \
  if (const auto& ok = (expression); !ok) FAIL() << #expression << ": " << ok.error().message

void check_links_and_routes() {
  auto opened = Netlink::open();
  ASSERT_OK(opened);
  Netlink& net = *opened;
  ASSERT_OK(net.set_up(1, true));
  const auto bridge = net.add_bridge("br0");
  ASSERT_OK(bridge);
  EXPECT_EQ(bridge->kind, "bridge");
  EXPECT_EQ(net.add_bridge("br0").error().reason, Reason::AlreadyExists);
  EXPECT_EQ(net.link("nope").error().reason, Reason::NotFound);
  EXPECT_EQ(net.link("a-name-longer-than-15").error().reason, Reason::Invalid);
  ASSERT_OK(net.add_veth("veth0", "veth1"));
  const auto veth = net.link("veth0");
  ASSERT_OK(veth);
  ASSERT_OK(net.set_master(veth->index, bridge->index));
  ASSERT_OK(net.set_mtu(veth->index, 1400));
  ASSERT_OK(net.set_mac(bridge->index, "0a:58:0a:00:00:01"));
  ASSERT_OK(net.set_up(veth->index, true));
  ASSERT_OK(net.set_up(bridge->index, true));
  const auto again = net.link("veth0");
  ASSERT_OK(again);
  EXPECT_EQ(again->master_index, bridge->index);
  EXPECT_EQ(again->mtu, 1400u);
  EXPECT_TRUE(again->up);
  EXPECT_EQ(net.link("br0")->mac, "0a:58:0a:00:00:01");

  ASSERT_OK(net.replace_address(bridge->index, "10.1.0.1/24"));
  ASSERT_OK(net.replace_address(bridge->index, "10.1.0.1/24"));
  ASSERT_OK(net.replace_address(bridge->index, "fd00:1::1/64"));
  const auto addresses = net.addresses();
  ASSERT_OK(addresses);
  const auto has = [&](std::string_view prefix) {
    return std::ranges::any_of(*addresses, [&](const Address& a) { return a.link_index == bridge->index && a.prefix == prefix; });
  };
  EXPECT_TRUE(has("10.1.0.1/24"));
  EXPECT_TRUE(has("fd00:1::1/64"));

  Route route;
  route.destination = "10.2.0.0/24";
  route.gateway = "10.1.0.2";
  ASSERT_OK(net.replace_route(route));
  route.gateway = "10.1.0.3";
  route.mtu = 1350;
  ASSERT_OK(net.replace_route(route));
  Route dead;
  dead.destination = "10.244.0.0/16";
  dead.type = RouteType::Blackhole;
  ASSERT_OK(net.replace_route(dead));
  Route default_route;
  default_route.destination = "0.0.0.0/0";
  default_route.gateway = "10.1.0.9";
  ASSERT_OK(net.replace_route(default_route));
  const auto routes = net.routes();
  ASSERT_OK(routes);
  const auto to = [&](std::string_view destination) {
    return std::ranges::find_if(*routes, [&](const Route& r) { return r.destination == destination; });
  };
  ASSERT_NE(to("10.2.0.0/24"), routes->end());
  EXPECT_EQ(to("10.2.0.0/24")->gateway, "10.1.0.3");
  EXPECT_EQ(to("10.2.0.0/24")->mtu, 1350u);
  EXPECT_EQ(to("10.2.0.0/24")->link_index, bridge->index);
  ASSERT_NE(to("10.244.0.0/16"), routes->end());
  EXPECT_EQ(to("10.244.0.0/16")->type, RouteType::Blackhole);
  ASSERT_NE(to("0.0.0.0/0"), routes->end());
  ASSERT_OK(net.remove_route(dead));
  EXPECT_EQ(net.remove_route(dead).error().reason, Reason::NotFound);
  ASSERT_OK(net.remove_address(bridge->index, "10.1.0.1/24"));
  ASSERT_OK(net.remove_link(bridge->index));
  EXPECT_FALSE(net.link("br0"));
}

void check_vxlan() {
  auto opened = Netlink::open();
  ASSERT_OK(opened);
  Netlink& net = *opened;
  ASSERT_OK(net.add_veth("under0", "under1"));  // not every kernel has dummy links
  const auto under = net.link("under0");
  ASSERT_OK(under);
  ASSERT_OK(net.replace_address(under->index, "192.168.7.1/24"));
  ASSERT_OK(net.set_up(under->index, true));
  VxlanOptions options;
  options.name = "vx0";
  options.vni = 7;
  options.local_address = "192.168.7.1";
  options.underlay_index = under->index;
  options.mac = "0a:00:00:00:07:01";
  options.mtu = 1450;
  const auto vxlan = net.add_vxlan(options);
  if (!vxlan && vxlan.error().message.ends_with("operation not supported")) GTEST_SKIP() << vxlan.error().message;
  ASSERT_OK(vxlan);
  EXPECT_EQ(vxlan->kind, "vxlan");
  EXPECT_EQ(vxlan->mac, options.mac);
  EXPECT_EQ(vxlan->mtu, 1450u);
  ASSERT_OK(net.replace_address(vxlan->index, "10.9.0.0/32"));
  ASSERT_OK(net.set_up(vxlan->index, true));
  const Neighbour far{vxlan->index, "10.9.1.0", "0a:00:00:00:07:02", true};
  const Neighbour tunnel{vxlan->index, "192.168.7.2", "0a:00:00:00:07:02", true};
  ASSERT_OK(net.replace_neighbour(far));
  ASSERT_OK(net.replace_neighbour(far));
  ASSERT_OK(net.replace_forwarding_entry(tunnel));
  Route route;
  route.destination = "10.9.1.0/24";
  route.gateway = "10.9.1.0";
  route.link_index = vxlan->index;
  route.on_link = true;
  ASSERT_OK(net.replace_route(route));
  const auto neighbours = net.neighbours(vxlan->index);
  ASSERT_OK(neighbours);
  EXPECT_TRUE(std::ranges::any_of(*neighbours, [](const Neighbour& n) { return n.ip == "10.9.1.0" && n.mac == "0a:00:00:00:07:02" && n.permanent; }));
  const auto entries = net.forwarding_entries(vxlan->index);
  ASSERT_OK(entries);
  EXPECT_TRUE(std::ranges::any_of(*entries, [](const Neighbour& n) { return n.ip == "192.168.7.2" && n.mac == "0a:00:00:00:07:02"; }));
  ASSERT_OK(net.remove_forwarding_entry(tunnel));
  ASSERT_OK(net.remove_neighbour(far));
  ASSERT_OK(net.remove_link(vxlan->index));
}

TEST(Netlink, LinksAddressesRoutes) {
  if (!in_network_namespace(check_links_and_routes)) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
}

TEST(Netlink, Vxlan) {
  if (!in_network_namespace(check_vxlan)) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
}

}  // namespace
}  // namespace pintle::os::netlink
