#include "cni/routes/node_routes.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "api/codec.h"
#include "cni/routes/kernel.h"
#include "component/log.h"
#include "os/netlink/message.h"
#include "os/netlink/monitor.h"
#include "os/nft.h"
#include "os/read_file.h"
#include "rt/sync.h"

namespace pintle::cni::routes {
namespace {

namespace log = component::log;
using api::core_v1::Node;
using os::netlink::Netlink;

constexpr rt::Duration retry_first = std::chrono::seconds(1);
constexpr rt::Duration retry_most = std::chrono::seconds(30);
constexpr const char* forwarding_switches[] = {"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"};

// What informers tell, kept alive by their handlers.
struct Known {
  std::map<std::string, NodeInfo> nodes;
  rt::Event changed;

  void put(const Node& node) {
    NodeInfo info = read_node(node);
    NodeInfo& slot = nodes[info.name];
    if (slot == info) return;
    slot = std::move(info);
    changed.set();
  }
  void remove(const std::string& name) {
    if (nodes.erase(name) != 0) changed.set();
  }
};

// Of each node only what read_node() reads is kept.
void trim(api::Object& object) {
  Node& node = object.as<Node>();
  Node kept;
  kept.metadata.name = std::move(node.metadata.name);
  kept.metadata.resource_version = std::move(node.metadata.resource_version);
  kept.metadata.uid = std::move(node.metadata.uid);
  if (const std::string* mac = node.metadata.annotations.get(vxlan_mac_annotation)) kept.metadata.annotations[vxlan_mac_annotation] = *mac;
  kept.spec.pod_cidr = std::move(node.spec.pod_cidr);
  kept.spec.pod_cidrs = std::move(node.spec.pod_cidrs);
  kept.status.addresses = std::move(node.status.addresses);
  node = std::move(kept);
}

}  // namespace

struct NodeRoutes::State {
  explicit State(NodeRoutesSetup s) : setup(std::move(s)), nft(os::make_nft()) {}

  rt::Task<void> run();
  rt::Task<void> watch_kernel();
  rt::Task<Result<Unit>> sync();
  Result<Unit> sync_kernel(const std::map<std::string, NodeInfo>& nodes, std::string* mac);
  Result<Unit> sync_masquerade(const NodeInfo& own);
  rt::Task<Result<Unit>> publish(std::string mac);

  NodeRoutesSetup setup;
  std::unique_ptr<os::Nft> nft;
  std::vector<IpPrefix> cluster_cidrs;
  std::unique_ptr<client::Informers> own_informers;
  std::optional<client::Informer<Node>> informer;
  std::shared_ptr<Known> known = std::make_shared<Known>();
  std::string masquerade;  // the commands that were run last
  struct {
    std::atomic<int> underlay = 0;
    std::atomic<int> vxlan = 0;
  } own_links;  // indexes, as the last sync found them
  rt::Event synced;
  rt::TaskGroup tasks;
};

NodeRoutes::NodeRoutes(NodeRoutesSetup setup) : state_(std::make_unique<State>(std::move(setup))) {}
NodeRoutes::~NodeRoutes() = default;

rt::Task<Result<Unit>> NodeRoutes::start() {
  State& s = *state_;
  for (const std::string& text : s.setup.cluster_cidrs) {
    const auto range = parse_prefix(text);
    if (!range) co_return bad_request("\"" + text + "\" is no CIDR");
    s.cluster_cidrs.push_back(*range);
  }
  if (s.setup.informers) {
    s.informer = s.setup.informers->of<Node>();
  } else {
    s.own_informers = std::make_unique<client::Informers>(s.setup.client);
    client::InformerOptions options;
    options.transform = trim;
    s.informer = s.own_informers->of<Node>("routes", options);
  }
  s.informer->add_handler({
      .on_add = [known = s.known](const auto& node, bool) { known->put(*node); },
      .on_update = [known = s.known](const auto&, const auto& node) { known->put(*node); },
      .on_delete = [known = s.known](const auto& node) { known->remove(node->metadata.name); },
  });
  if (s.own_informers)
    s.own_informers->start();
  else
    s.setup.informers->start();
  s.tasks.spawn(s.run());
  if (s.setup.mode != Mode::None) s.tasks.spawn(s.watch_kernel());
  co_return Unit{};
}

rt::Task<Result<Unit>> NodeRoutes::wait_synced(rt::Context ctx) { co_return co_await state_->synced.wait(std::move(ctx)); }

rt::Task<void> NodeRoutes::stop() {
  co_await state_->tasks.close();
  if (state_->own_informers) co_await state_->own_informers->stop();
}

rt::Task<void> NodeRoutes::State::run() {
  const rt::Context ctx = tasks.context();
  auto ready = co_await informer->wait_synced(ctx);
  if (!ready) co_return;
  known->changed.set();
  rt::Duration retry = retry_first;
  while (!ctx.done()) {
    auto changed = co_await known->changed.wait(ctx);
    if (!changed) co_return;
    known->changed.reset();
    auto done = co_await sync();
    if (done) {
      retry = retry_first;
      continue;
    }
    if (ctx.done()) co_return;
    log::error("Cannot set up the routes to the other nodes", done.error(), {{"retry", api::format_duration({retry.count()})}});
    (void)co_await rt::sleep_for(ctx, retry);
    retry = std::min(2 * retry, retry_most);
    known->changed.set();
  }
}

// Routes that somebody removed, a device that went away, a link that came back (which loses its routes without a word).
rt::Task<void> NodeRoutes::State::watch_kernel() {
  auto monitor = os::netlink::Monitor::open(NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
  if (!monitor) {
    if (monitor.error().reason != Reason::NotAcceptable) log::error("Cannot watch the kernel's routes", monitor.error());
    co_return;
  }
  const os::netlink::Monitor::Relevant relevant = [this](uint16_t type, std::string_view payload) {
    if (type == RTM_DELROUTE) {
      rtmsg route{};
      (void)os::netlink::split_fixed(payload, route);
      return route.rtm_protocol == route_protocol;
    }
    ifinfomsg link{};
    (void)os::netlink::split_fixed(payload, link);
    const int index = link.ifi_index;
    if (type == RTM_DELLINK) return index == own_links.underlay || index == own_links.vxlan;
    return type == RTM_NEWLINK && (link.ifi_change & IFF_UP) != 0 && (index == own_links.underlay || index == own_links.vxlan);
  };
  while (true) {
    auto seen = co_await (*monitor)->wait(tasks.context(), relevant);
    if (!seen) co_return;
    known->changed.set();
  }
}

rt::Task<Result<Unit>> NodeRoutes::State::sync() {
  const std::map<std::string, NodeInfo> nodes = known->nodes;
  const auto own = nodes.find(setup.node_name);
  // Without an own node and pod range there is nothing to connect yet: the node's next change comes back here.
  if (own == nodes.end() || own->second.pod_cidrs.empty() || own->second.addresses.empty()) co_return Unit{};
  Result<Unit> done = Unit{};
  std::string mac;
  co_await setup.runtime.run_blocking([&] {
    done = sync_kernel(nodes, &mac);
    if (auto hidden = sync_masquerade(own->second); !hidden && done) done = std::move(hidden);
  });
  if (!mac.empty() && mac != own->second.vxlan_mac) CO_TRY(co_await publish(mac));
  if (done) synced.set();
  co_return done;
}

Result<Unit> NodeRoutes::State::sync_kernel(const std::map<std::string, NodeInfo>& nodes, std::string* mac) {
  if (setup.mode == Mode::None) return Unit{};
  for (const char* path : forwarding_switches)
    if (const auto value = os::read_file(path); value && value->starts_with('0')) TRY(os::write_file(path, "1"));
  TRY_ASSIGN(auto netlink, Netlink::open());
  int vxlan_index = 0;
  const NodeInfo& own = nodes.at(setup.node_name);
  TRY_ASSIGN(const Underlay underlay, find_underlay(netlink, own.addresses.front()));
  own_links.underlay = underlay.link_index;
  if (setup.mode == Mode::Vxlan) {
    const auto vxlan = plan_vxlan(own, setup.vni, setup.port, underlay.link_index, underlay.mtu);
    TRY_ASSIGN(vxlan_index, ensure_vxlan(netlink, *vxlan));
    own_links.vxlan = vxlan_index;
    *mac = vxlan->mac;
  }
  const Entries wanted = plan_entries(setup.mode, setup.node_name, nodes, vxlan_index);
  TRY_ASSIGN(const Entries actual, read_entries(netlink, vxlan_index));
  const Difference difference = compare(wanted, actual);
  if (difference.empty()) return Unit{};
  log::info(2, "Routes to other nodes",
            {{"added", std::to_string(difference.add.routes.size())}, {"removed", std::to_string(difference.remove.routes.size())}});
  return apply(netlink, difference, vxlan_index);
}

Result<Unit> NodeRoutes::State::sync_masquerade(const NodeInfo& own) {
  std::string commands = masquerade_commands(own.pod_cidrs, cluster_cidrs);
  if (commands == masquerade) return Unit{};
  if (!commands.empty()) TRY(nft->run(commands));
  masquerade = std::move(commands);
  return Unit{};
}

rt::Task<Result<Unit>> NodeRoutes::State::publish(std::string mac) {
  std::string body = "{\"metadata\":{\"annotations\":{\"" + std::string(vxlan_mac_annotation) + "\":\"" + mac + "\"}}}";
  auto patched = co_await setup.client.patch<Node>(tasks.context(), std::string(), setup.node_name, client::PatchType::Merge, std::move(body));
  if (!patched) co_return Unexpected(std::move(patched).error());
  co_return Unit{};
}

Result<uint32_t> find_pod_mtu(Mode mode, const std::string& node_ip) {
  const auto address = parse_address(node_ip);
  if (!address) return bad_request("\"" + node_ip + "\" is no address");
  TRY_ASSIGN(auto netlink, Netlink::open());
  TRY_ASSIGN(const Underlay underlay, find_underlay(netlink, *address));
  return pod_mtu(mode, address->family, underlay.mtu);
}

Result<Unit> clean_up() {
  TRY_ASSIGN(auto netlink, Netlink::open());
  TRY_ASSIGN(const Entries actual, read_entries(netlink, 0));
  Difference difference;
  difference.remove.routes = actual.routes;
  TRY(apply(netlink, difference, 0));
  if (const auto link = netlink.link(vxlan_link_name); link && link->kind == "vxlan") TRY(netlink.remove_link(link->index));
  return os::make_nft()->run("add table " + std::string(masquerade_table) + "\ndelete table " + std::string(masquerade_table) + "\n");
}

}  // namespace pintle::cni::routes
