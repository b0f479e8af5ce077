#include "dns/server.h"

#include <algorithm>

#include "client/informers.h"
#include "component/log.h"
#include "dns/listeners.h"
#include "dns/resolv_conf.h"
#include "dns/responder.h"
#include "rt/sync.h"
#include "rules/pod_state.h"

namespace pintle::dns {

namespace {

namespace log = component::log;
using api::core_v1::Namespace;
using api::core_v1::Node;
using api::core_v1::Pod;
using api::core_v1::Service;
using api::discovery_v1::EndpointSlice;

const Name root(1, '\0');
constexpr std::size_t resolv_conf_bytes_max = 64 << 10;

// The informers' stores keep only what on_update needs to find the entry again: the zone has the rest.
void keep_identity(api::meta_v1::ObjectMeta& metadata) {
  metadata.annotations.clear();
  metadata.owner_references.clear();
  metadata.finalizers.clear();
}

std::vector<std::string> pod_addresses(const Pod& pod) {
  std::vector<std::string> out;
  // The address of a host network pod is its node's; a finished pod's may be another's by now.
  if (pod.spec.host_network || rules::is_terminal(pod)) return out;
  for (const auto& ip : pod.status.pod_ips) out.push_back(ip.ip);
  return out;
}

}  // namespace

struct Server::Parts {
  explicit Parts(DnsSetup s)
      : setup(std::move(s)),
        responder(setup.runtime, setup.zone, setup.cache, setup.metrics),
        allowed(setup.allow_from),
        listeners(setup.runtime, responder, allowed),
        informers(setup.client) {}

  void follow_services();
  void follow_slices();
  void follow_namespaces();
  void follow_pods();
  void follow_nodes();
  rt::Task<void> wait_until_complete(rt::Context ctx);
  rt::Task<void> follow_resolv_conf(rt::Context ctx);
  rt::Task<void> use_upstreams(rt::Context ctx, std::vector<rt::Endpoint> servers);
  bool is_ourselves(const rt::Endpoint& server) const;

  DnsSetup setup;
  Responder responder;
  ClientRanges allowed;
  Listeners listeners;
  client::Informers informers;
  std::vector<rt::Endpoint> endpoints;
  rt::TaskGroup tasks;
};

void Server::Parts::follow_services() {
  client::InformerOptions options;
  options.transform = [](api::Object& object) {
    auto& service = object.as<Service>();
    keep_identity(service.metadata);
    service.metadata.labels.clear();
    service.spec.selector.clear();
    service.status = {};
  };
  auto services = informers.of<Service>("dns", std::move(options));
  client::Informer<Service>::Handler handler;
  handler.on_add = [this](const auto& service, bool) { responder.zone().put_service(*service); };
  handler.on_update = [this](const auto&, const auto& service) { responder.zone().put_service(*service); };
  handler.on_delete = [this](const auto& service) { responder.zone().remove_service(service->metadata.namespace_, service->metadata.name); };
  services.add_handler(std::move(handler));
}

void Server::Parts::follow_slices() {
  client::InformerOptions options;
  options.transform = [](api::Object& object) {
    auto& slice = object.as<EndpointSlice>();
    keep_identity(slice.metadata);
    for (auto& endpoint : slice.endpoints) {
      endpoint.target_ref.reset();
      endpoint.deprecated_topology.clear();
      endpoint.node_name.reset();
      endpoint.zone.reset();
      endpoint.hints.reset();
    }
  };
  auto slices = informers.of<EndpointSlice>("dns", std::move(options));
  client::Informer<EndpointSlice>::Handler handler;
  handler.on_add = [this](const auto& slice, bool) { responder.zone().put_slice(*slice); };
  handler.on_update = [this](const auto&, const auto& slice) { responder.zone().put_slice(*slice); };
  handler.on_delete = [this](const auto& slice) { responder.zone().remove_slice(slice->metadata.namespace_, slice->metadata.name); };
  slices.add_handler(std::move(handler));
}

void Server::Parts::follow_namespaces() {
  auto namespaces = informers.metadata_of(client::resource_of<Namespace>());
  client::Informer<api::meta_v1::PartialObjectMetadata>::Handler handler;
  handler.on_add = [this](const auto& object, bool) { responder.zone().put_namespace(object->metadata.name); };
  handler.on_delete = [this](const auto& object) { responder.zone().remove_namespace(object->metadata.name); };
  namespaces.add_handler(std::move(handler));
}

void Server::Parts::follow_pods() {
  client::InformerOptions options;
  options.transform = [](api::Object& object) {
    auto& pod = object.as<Pod>();
    Pod kept;
    kept.metadata.name = std::move(pod.metadata.name);
    kept.metadata.namespace_ = std::move(pod.metadata.namespace_);
    kept.metadata.resource_version = std::move(pod.metadata.resource_version);
    kept.metadata.uid = std::move(pod.metadata.uid);
    kept.spec.host_network = pod.spec.host_network;
    kept.status.phase = std::move(pod.status.phase);
    kept.status.pod_ips = std::move(pod.status.pod_ips);
    pod = std::move(kept);
  };
  auto pods = informers.of<Pod>("dns", std::move(options));
  const auto put = [this](const Pod& pod, const std::vector<std::string>& addresses) {
    responder.zone().put_pod(pod.metadata.namespace_, pod.metadata.name, addresses);
  };
  client::Informer<Pod>::Handler handler;
  handler.on_add = [put](const auto& pod, bool) { put(*pod, pod_addresses(*pod)); };
  handler.on_update = [put](const auto&, const auto& pod) { put(*pod, pod_addresses(*pod)); };
  handler.on_delete = [put](const auto& pod) { put(*pod, {}); };
  pods.add_handler(std::move(handler));
}

void Server::Parts::follow_nodes() {
  client::InformerOptions options;
  options.transform = [](api::Object& object) {
    auto& node = object.as<Node>();
    keep_identity(node.metadata);
    node.metadata.labels.clear();
    node.spec = {};
    auto addresses = std::move(node.status.addresses);
    node.status = {};
    node.status.addresses = std::move(addresses);
  };
  auto nodes = informers.of<Node>("dns", std::move(options));
  const auto put = [this](const Node& node) {
    std::vector<std::string> addresses;
    for (const auto& address : node.status.addresses)
      if (address.type == "InternalIP" || address.type == "ExternalIP") addresses.push_back(address.address);
    allowed.set_node(node.metadata.name, addresses);
  };
  client::Informer<Node>::Handler handler;
  handler.on_add = [put](const auto& node, bool) { put(*node); };
  handler.on_update = [put](const auto&, const auto& node) { put(*node); };
  handler.on_delete = [this](const auto& node) { allowed.set_node(node->metadata.name, {}); };
  nodes.add_handler(std::move(handler));
}

rt::Task<void> Server::Parts::wait_until_complete(rt::Context ctx) {
  auto synced = co_await informers.wait_synced(ctx);
  if (!synced) co_return;
  responder.set_ready();
  log::info(1, "Cluster DNS is ready", {{"services", std::to_string(responder.zone().serial())}});
}

bool Server::Parts::is_ourselves(const rt::Endpoint& server) const {
  return std::ranges::any_of(endpoints,
                             [&](const rt::Endpoint& own) {
                               return own.port == server.port &&
                                      (own.address == server.address || own.address.empty() || own.address == "0.0.0.0" || own.address == "::");
                             }) ||
         (server.port == dns_port && std::ranges::find(setup.zone.nameservers, server.address) != setup.zone.nameservers.end());
}

rt::Task<void> Server::Parts::use_upstreams(rt::Context ctx, std::vector<rt::Endpoint> servers) {
  const auto ours = std::ranges::remove_if(servers, [this](const rt::Endpoint& server) { return is_ourselves(server); });
  if (!ours.empty()) log::warning("An upstream DNS server is this server itself; it is left out", {{"server", rt::to_string(servers.back())}});
  servers.erase(ours.begin(), ours.end());
  if (servers.empty()) log::warning("There are no upstream DNS servers; names outside the cluster are not resolved");
  const bool some = !servers.empty();
  responder.forwarder().set_servers(root, std::move(servers));
  if (some) co_await responder.look_for_loop(ctx);
}

rt::Task<void> Server::Parts::follow_resolv_conf(rt::Context ctx) {
  std::vector<std::string> paths;
  paths.push_back(setup.resolv_conf);
  auto watcher = setup.runtime.watch_files(std::move(paths));
  std::vector<rt::Endpoint> known;
  bool first = true;
  while (!ctx.done()) {
    Result<std::string> text;
    co_await setup.runtime.run_blocking([this, &text] { text = setup.runtime.disk().read(setup.resolv_conf, resolv_conf_bytes_max); });
    if (!text) log::warning("Cannot read the upstream DNS servers", {{"file", setup.resolv_conf}, {"err", text.error().message}});
    auto servers = parse_resolv_conf(text ? *text : std::string());
    // A file that is gone for a moment changes nothing.
    if (first || (text && servers != known)) {
      known = servers;
      co_await use_upstreams(ctx, std::move(servers));
    }
    first = false;
    if (!watcher) co_return;
    auto changed = co_await (*watcher)->changed(ctx);
    if (!changed) co_return;
  }
}

Server::Server(DnsSetup setup) : parts_(std::make_unique<Parts>(std::move(setup))) {}
Server::~Server() = default;

rt::Task<Result<Unit>> Server::start() {
  Parts& parts = *parts_;
  for (const auto& [domain, servers] : parts.setup.stub_domains) {
    auto name = make_name(domain);
    if (!name) co_return error(Reason::Invalid, "stub domain \"" + domain + "\" is not a domain name");
    lower(*name);
    parts.responder.forwarder().set_servers(*name, servers);
  }
  for (const rt::Endpoint& endpoint : parts.setup.listen) {
    auto opened = parts.listeners.open(endpoint);
    if (!opened) {
      co_await parts.listeners.stop();
      co_return Unexpected(std::move(opened).error());
    }
    parts.allowed.add(endpoint.address);
    parts.endpoints.push_back(std::move(*opened));
  }
  parts.follow_services();
  parts.follow_slices();
  parts.follow_namespaces();
  if (parts.setup.zone.pods == PodRecords::Verified) parts.follow_pods();
  if (parts.setup.allow_nodes && !parts.allowed.open()) parts.follow_nodes();
  parts.informers.start();
  parts.tasks.spawn(parts.wait_until_complete(parts.tasks.context()));
  if (parts.setup.upstreams.empty()) {
    parts.tasks.spawn(parts.follow_resolv_conf(parts.tasks.context()));
  } else {
    parts.tasks.spawn(parts.use_upstreams(parts.tasks.context(), parts.setup.upstreams));
  }
  co_return Unit{};
}

rt::Task<void> Server::stop() {
  parts_->responder.forwarder().close();
  co_await parts_->tasks.close();
  co_await parts_->listeners.stop();
  co_await parts_->informers.stop();
}

bool Server::ready() const { return parts_->responder.ready(); }
const std::vector<rt::Endpoint>& Server::endpoints() const { return parts_->endpoints; }

}  // namespace pintle::dns
