#include "controller/node_ipam/controller.h"

#include "client/work_queue.h"
#include "component/log.h"
#include "controller/node_ipam/cidr_set.h"
#include "controller/objects/json_text.h"

namespace pintle::controller::node_ipam {

using api::core_v1::Node;
using NodePtr = std::shared_ptr<const Node>;

namespace {

constexpr auto tries_bounds = growing_bounds<5>(1, 5);

class NodeIpamController final : public Controller {
 public:
  explicit NodeIpamController(ControllerDeps deps)
      : deps_(deps),
        nodes_(deps.informers.of<Node>()),
        loop_(deps.loop("cidrallocator_node"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    if (!deps_.options.allocate_node_cidrs) return;
    client::Informer<Node>::Handler handler;
    handler.on_add = [this](const NodePtr& node, bool) { loop_.queue().add(node->metadata.name); };
    handler.on_update = [this](const NodePtr&, const NodePtr& node) {
      if (node->spec.pod_cidrs.empty()) loop_.queue().add(node->metadata.name);
    };
    handler.on_delete = [this](const NodePtr& node) { release(*node); };
    nodes_.add_handler(std::move(handler));
  }
  void start() override;
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> assign(rt::Context ctx, NodePtr node);
  void release(const Node& node);
  void occupy(CidrSet& set, const std::string& cidr);
  void give_back(CidrSet& set, const std::string& cidr);
  void tell_usage(const CidrSet& set) { usage_.with({set.range()}).set(static_cast<double>(set.used()) / static_cast<double>(set.size())); }

  ControllerDeps deps_;
  client::Informer<Node> nodes_;
  std::vector<CidrSet> sets_;  // one of each family
  component::metrics::CounterVec& allocations_ =
      deps_.families.counters("node_ipam_controller_cidrset_cidrs_allocations_total", "Pod ranges that were given to nodes.", {"clusterCIDR"});
  component::metrics::CounterVec& releases_ =
      deps_.families.counters("node_ipam_controller_cidrset_cidrs_releases_total", "Pod ranges that came back.", {"clusterCIDR"});
  component::metrics::GaugeVec& most_ =  // spelt as upstream spells it
      deps_.families.gauges("node_ipam_controller_cirdset_max_cidrs", "Pod ranges that there are.", {"clusterCIDR"});
  component::metrics::GaugeVec& usage_ =
      deps_.families.gauges("node_ipam_controller_cidrset_usage_cidrs", "Part of the pod ranges that is given away.", {"clusterCIDR"});
  component::metrics::HistogramVec& tries_ =
      deps_.families.histograms("node_ipam_controller_cidrset_allocation_tries_per_request", "Taken ranges that were passed over to find a free one.",
                                tries_bounds, {"clusterCIDR"});
  client::ControlLoop loop_;
};

// What nodes and services have is taken before anything new is given.
void NodeIpamController::start() {
  if (!deps_.options.allocate_node_cidrs) return;
  for (const std::string& range : deps_.options.cluster_cidrs) {
    auto set = CidrSet::make(range, range.contains(':') ? deps_.options.node_cidr_mask_size_v6 : deps_.options.node_cidr_mask_size_v4);
    if (!set) {
      component::log::error("Nodes get no pod ranges", set.error(), {{"clusterCIDR", range}});
      return;
    }
    sets_.push_back(std::move(*set));
  }
  for (CidrSet& set : sets_) {
    most_.with({set.range()}).set(static_cast<double>(set.size()));
    for (const std::string& service_range : deps_.options.service_cidrs) occupy(set, service_range);
    for (const NodePtr& node : nodes_.list())
      for (const std::string& cidr : node->spec.pod_cidrs) occupy(set, cidr);
  }
  if (!sets_.empty()) loop_.start(1);  // one at a time: the sets have no lock
}

void NodeIpamController::occupy(CidrSet& set, const std::string& cidr) {
  if (const auto fresh = set.occupy(cidr)) allocations_.with({set.range()}).add(*fresh);
  tell_usage(set);
}

void NodeIpamController::give_back(CidrSet& set, const std::string& cidr) {
  if (const std::size_t taken = set.give_back(cidr)) releases_.with({set.range()}).add(taken);
  tell_usage(set);
}

void NodeIpamController::release(const Node& node) {
  for (CidrSet& set : sets_)
    for (const std::string& cidr : node.spec.pod_cidrs) give_back(set, cidr);
}

rt::Task<Result<Unit>> NodeIpamController::assign(rt::Context ctx, NodePtr node) {
  std::vector<std::string> cidrs;
  std::optional<Status> failure;
  for (CidrSet& set : sets_) {
    auto taken = set.take();
    if (!taken) {
      failure = std::move(taken).error();
      break;
    }
    cidrs.push_back(std::move(*taken));
    allocations_.with({set.range()}).add();
    tries_.with({set.range()}).observe(static_cast<double>(set.passed_over()));
    tell_usage(set);
  }
  if (failure) {
    deps_.events.normal(*node, "CIDRNotAvailable", "Node " + node->metadata.name + " status is now: CIDRNotAvailable");
  } else {
    std::string body = R"({"metadata":{"uid":)" + objects::json_string(node->metadata.uid) + R"(},"spec":{"podCIDR":)" +
                       objects::json_string(cidrs[0]) + R"(,"podCIDRs":[)";
    for (const std::string& cidr : cidrs) body += (body.back() == '[' ? "" : ",") + objects::json_string(cidr);
    auto done = co_await deps_.client.patch<Node>(ctx, "", node->metadata.name, client::PatchType::Strategic, body + "]}}");
    if (done) co_return Unit{};
    failure = std::move(done).error();
    // An answer that never came may hide a success: then the ranges are taken, and come back with the node's next event.
    if (failure->reason == Reason::Timeout || failure->reason == Reason::ServerTimeout) co_return Unexpected(std::move(*failure));
  }
  for (std::size_t i = 0; i < cidrs.size(); ++i) give_back(sets_[i], cidrs[i]);
  co_return Unexpected(std::move(*failure));
}

rt::Task<Result<Unit>> NodeIpamController::sync(rt::Context ctx, std::string key) {
  const NodePtr node = nodes_.get(key);
  if (node == nullptr || node->metadata.deletion_timestamp) co_return Unit{};
  if (!node->spec.pod_cidrs.empty()) {
    for (CidrSet& set : sets_)
      for (const std::string& cidr : node->spec.pod_cidrs) occupy(set, cidr);
    co_return Unit{};
  }
  auto fresh = co_await deps_.client.get<Node>(ctx, "", key);
  if (!fresh) {
    if (fresh.error().reason == Reason::NotFound) co_return Unit{};
    co_return Unexpected(std::move(fresh).error());
  }
  if (!fresh->spec.pod_cidrs.empty()) co_return Unit{};  // its event is on the way
  co_return co_await assign(std::move(ctx), node);
}

}  // namespace

std::unique_ptr<Controller> make_node_ipam_controller(ControllerDeps deps) { return std::make_unique<NodeIpamController>(std::move(deps)); }

}  // namespace pintle::controller::node_ipam
