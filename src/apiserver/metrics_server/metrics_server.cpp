#include "apiserver/metrics_server/metrics_server.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/gen/rbac_v1.h"
#include "apiserver/metrics_server/metrics_resources.h"
#include "base/check.h"
#include "component/log.h"

namespace pintle::apiserver::metrics_server {

namespace {

namespace core = api::core_v1;
namespace log = component::log;
using api::rbac_v1::ClusterRole;

const GroupResource nodes{"", "nodes"};
const GroupResource cluster_roles{"rbac.authorization.k8s.io", "clusterroles"};

// What readers, editors and admins of a namespace may read too; metrics-server's manifests bring it under this name.
constexpr std::string_view reader_role = "system:aggregated-metrics-reader";

ClusterRole reader() {
  ClusterRole out;
  out.metadata.name = reader_role;
  for (const char* whom : {"view", "edit", "admin"}) out.metadata.labels[fmt::format("rbac.authorization.k8s.io/aggregate-to-{}", whom)] = "true";
  auto& rule = out.rules.emplace_back();
  rule.api_groups = {std::string(group)};
  rule.resources = {"pods", "nodes"};
  rule.verbs = {"get", "list", "watch"};
  return out;
}

// In [0, 1).
double part(rt::Random& random) {
  constexpr uint64_t steps = 1 << 20;
  return static_cast<double>(random.below(steps)) / static_cast<double>(steps);
}

}  // namespace

MetricsServer::MetricsServer(MetricsServerDeps deps)
    : deps_(deps),
      readings_(std::make_shared<Readings>(deps_.runtime.clock(), [changes = changes_] { changes->wake.set(); })),
      requests_(counted_, {"metrics_server_kubelet_request_total", "Number of requests sent to Kubelet API", {"success"}}) {
  CHECK(deps_.resolution > rt::Duration::zero(), "validated as a flag");
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::make(MetricsServerDeps deps) {
  auto out = std::make_unique<MetricsServer>(deps);
  TRY_ASSIGN(out->kubelets_, connect::KubeletClient::make(deps.runtime, deps.options));
  return out;
}

std::vector<registry::ResourceDefinition> MetricsServer::resources() const { return metrics_resources(readings_); }

void MetricsServer::start(registry::InstalledRegistry& registry) {
  registry_ = &registry;
  const rt::Context ctx = loops_.start();
  registry.reader().subscribe(nodes, [changes = changes_](const storage::CacheEvent& event) {
    if (event.object) changes->nodes.add(event.object->header().name);
  });
  registry.reader().subscribe(cluster_roles, [changes = changes_](const storage::CacheEvent& event) {
    if (event.object && event.object->header().name == reader_role) changes->roles.add(reader_role);
  });
  changes_->roles.add(reader_role);
  registry::ChangedNames::Look node = [this](const std::string& name) { return look_at_node(name); };
  registry::ChangedNames::Look role = [this](const std::string& name) { return keep_role(name); };
  loops_.follow(changes_->nodes, std::move(node), {"A node cannot be read, and is tried again"});
  loops_.follow(changes_->roles, std::move(role), {"The role of who reads metrics cannot be kept, and is tried again"});
  loops_.spawn(run(ctx));
}

rt::Task<void> MetricsServer::stop() {
  co_await loops_.stop();
  if (kubelets_) co_await kubelets_->close();
  kubelets_.reset();
}

rt::Task<Result<Unit>> MetricsServer::look_at_node(std::string name) {
  auto node = registry_->reader().get_as<core::Node>(nodes, "", name);
  if (!node && node.error().reason != Reason::NotFound) co_return Unexpected(std::move(node.error()));
  auto url = node ? page_url(*node, deps_.options.kubelet_preferred_address_types) : std::nullopt;
  if (url) {
    if (schedule_.set(name, std::move(*url), deps_.runtime.clock().now())) changes_->wake.set();
  } else if (schedule_.remove(name)) {
    readings_->remove(name);
  }
  co_return Unit{};
}

// Whoever removes metrics-server's manifests removes this role with them.
rt::Task<Result<Unit>> MetricsServer::keep_role(std::string name) {
  auto found = registry_->reader().get(cluster_roles, "", name);
  if (found) co_return Unit{};
  if (found.error().reason != Reason::NotFound) co_return Unexpected(std::move(found.error()));
  RequestScope scope = registry_->own_scope(rt::Context::background());
  api::Object object = api::Object::of<ClusterRole>(reader());
  const std::string none;
  auto made = co_await registry_->create(scope, cluster_roles, none, std::move(object));
  if (!made && made.error().reason != Reason::AlreadyExists) co_return Unexpected(std::move(made.error()));
  co_return Unit{};
}

rt::Duration MetricsServer::period() const { return readings_->asked_lately() ? deps_.resolution : std::max(deps_.resolution, idle_period); }

rt::Task<void> MetricsServer::run(rt::Context ctx) {
  while (!ctx.done()) {
    changes_->wake.reset();
    const rt::TimePoint now = deps_.runtime.clock().now();
    const bool asked = readings_->asked_lately();
    if (asked && !asked_lately_) schedule_.hurry(now);
    asked_lately_ = asked;
    for (Schedule::Turn& turn : schedule_.take_due(now, scrapes_at_once_max - running_)) {
      ++running_;
      loops_.spawn(scrape(ctx, std::move(turn)));
    }
    const auto next = running_ < scrapes_at_once_max ? schedule_.next_due() : std::nullopt;
    const rt::Context until = next ? ctx.with_deadline(*next) : ctx;
    (void)co_await changes_->wake.wait(until);
  }
}

rt::Task<void> MetricsServer::scrape(rt::Context ctx, Schedule::Turn turn) {
  auto page = co_await ask(ctx, turn.url);
  --running_;
  if (ctx.done()) co_return;
  requests_.with({page ? "true" : "false"}).add();
  if (!page && turn.failures == 0) log::warning("The metrics of a node cannot be read", {{"node", turn.node}, {"err", page.error().message}});
  if (page && turn.failures != 0) log::info(0, "The metrics of a node can be read again", {{"node", turn.node}});
  const rt::TimePoint now = deps_.runtime.clock().now();
  const auto before = readings_->held(turn.node);
  // Twice in quick succession at first, whoever asks: what is used is known after two looks.
  const rt::Duration next = before ? period() : deps_.resolution;
  if (schedule_.done(turn, page.has_value(), now, next, part(deps_.runtime.random())) && page) {
    auto samples = std::make_shared<const NodeSamples>(before.get(), *page, next);
    readings_->set(turn.node, std::move(samples), now + stale_periods * next);
  }
  changes_->wake.set();
}

rt::Task<Result<KubeletPage>> MetricsServer::ask(rt::Context parent, std::string url) {
  const rt::Context ctx = parent.with_timeout(std::min(scrape_timeout_max, deps_.resolution / 10 * 9));
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(deps_.runtime.clock().wall_now().time_since_epoch());
  net::ClientRequest request;
  request.url = std::move(url);
  request.headers.set("Accept", "text/plain;version=0.0.4");
  request.headers.set("User-Agent", "pintle");
  CO_TRY_ASSIGN(net::Response response, co_await kubelets_->transport().send(ctx, std::move(request)));
  if (response.status != 200) co_return error(Reason::ServiceUnavailable, fmt::format("the kubelet answered {}", response.status));
  KubeletPageReader reader(now.count());
  while (true) {
    CO_TRY_ASSIGN(const Bytes piece, co_await response.body->read(ctx));
    if (piece.size() == 0) break;
    CO_TRY(reader.feed(piece.view()));
  }
  co_return reader.finish();
}

void MetricsServer::write_metrics(std::string& out) const {
  const Readings::Totals totals = readings_->totals();
  out += counted_.write();
  component::metrics::write_head(out, "metrics_server_storage_points", "Number of metrics points stored.", "gauge");
  constexpr std::string_view labels[] = {"type"};
  const std::string node[] = {"node"}, container[] = {"container"};
  component::metrics::write_sample(out, "metrics_server_storage_points", labels, node, static_cast<double>(totals.nodes));
  component::metrics::write_sample(out, "metrics_server_storage_points", labels, container, static_cast<double>(totals.containers));
  component::metrics::write_head(out, "pintle_metrics_server_bytes", "Bytes that the samples of all nodes hold.", "gauge");
  component::metrics::write_sample(out, "pintle_metrics_server_bytes", {}, {}, static_cast<double>(totals.bytes));
}

}  // namespace pintle::apiserver::metrics_server
