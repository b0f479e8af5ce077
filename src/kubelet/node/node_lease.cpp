#include "kubelet/node/node_lease.h"

#include <algorithm>
#include <optional>

#include "component/log.h"
#include "rt/sync.h"

namespace pintle::kubelet::node {

namespace {

using namespace std::chrono_literals;
using api::coordination_v1::Lease;
namespace log = component::log;

// Upstream's numbers.
constexpr int update_tries_max = 5;
constexpr auto create_backoff_first = 200ms;
constexpr auto create_backoff_max = 7s;
// Renewals of many nodes drift apart by up to this share.
constexpr double jitter = 0.04;

api::Time now_of(rt::Runtime& runtime) {
  const int64_t nanos = runtime.clock().wall_now().time_since_epoch().count();
  return api::time_from_unix(nanos / 1'000'000'000, static_cast<int32_t>(nanos % 1'000'000'000));
}

rt::Duration jittered(rt::Runtime& runtime, rt::Duration interval) {
  const auto extra = static_cast<uint64_t>(static_cast<double>(interval.count()) * jitter);
  return interval + rt::Duration(static_cast<int64_t>(extra == 0 ? 0 : runtime.random().below(extra)));
}

// Makes it, or takes over the one that is there.
rt::Task<Result<Lease>> ensure_lease(rt::Context ctx, NodeLeaseDeps deps, NodeLeaseOptions options) {
  auto found = co_await deps.client.get<Lease>(ctx, node_lease_namespace, options.node_name);
  if (!found && found.error().reason != Reason::NotFound) co_return Unexpected(std::move(found).error());
  Lease wanted = renewed_lease(found ? &*found : nullptr, options, now_of(deps.runtime));
  if (!found) co_return co_await deps.client.create<Lease>(ctx, std::move(wanted));
  co_return co_await deps.client.update<Lease>(ctx, std::move(wanted));
}

rt::Task<std::optional<Lease>> make_lease(rt::Context ctx, NodeLeaseDeps deps, NodeLeaseOptions options) {
  rt::Duration backoff = create_backoff_first;
  while (!ctx.done()) {
    auto lease = co_await ensure_lease(ctx, deps, options);
    if (lease) co_return std::move(*lease);
    log::info(2, "The node's Lease cannot be written; trying again", {{"node", options.node_name}, {"err", lease.error().message}});
    (void)co_await rt::sleep_for(ctx, backoff);
    backoff = std::min<rt::Duration>(backoff * 2, create_backoff_max);
  }
  co_return std::nullopt;
}

// The renewed Lease; nothing if it has to be read again.
rt::Task<std::optional<Lease>> renew(rt::Context ctx, NodeLeaseDeps deps, NodeLeaseOptions options, Lease lease) {
  for (int tried = 0; tried < update_tries_max && !ctx.done(); ++tried) {
    Lease wanted = renewed_lease(&lease, options, now_of(deps.runtime));
    auto updated = co_await deps.client.update<Lease>(ctx, std::move(wanted));
    if (updated) co_return std::move(*updated);
    if (ctx.done()) break;
    log::error("Failed to renew the node's Lease", updated.error(), {{"node", options.node_name}});
    if (updated.error().reason == Reason::Conflict || updated.error().reason == Reason::NotFound) break;
  }
  co_return std::nullopt;
}

}  // namespace

Lease renewed_lease(const Lease* old, const NodeLeaseOptions& options, api::Time now) {
  Lease out;
  if (old) out = *old;
  out.metadata.name = options.node_name;
  out.metadata.namespace_ = node_lease_namespace;
  out.spec.holder_identity = options.node_name;
  out.spec.lease_duration_seconds = options.duration_seconds;
  api::MicroTime renewed;
  static_cast<api::Time&>(renewed) = now;
  out.spec.renew_time = renewed;
  // The Lease goes with its Node.
  if (out.metadata.owner_references.empty() && !options.node_uid.empty()) {
    auto& owner = out.metadata.owner_references.emplace_back();
    owner.api_version = "v1";
    owner.kind = "Node";
    owner.name = options.node_name;
    owner.uid = options.node_uid;
  }
  return out;
}

rt::Task<void> keep_node_lease(rt::Context ctx, NodeLeaseDeps deps, NodeLeaseOptions options) {
  const rt::Duration interval = std::chrono::seconds(options.duration_seconds) / 4;
  std::optional<Lease> lease;
  while (!ctx.done()) {
    if (lease) {
      lease = co_await renew(ctx, deps, options, std::move(*lease));
      // A conflict is settled by reading, now; other failures had their tries.
      if (!lease && !ctx.done()) {
        auto read = co_await ensure_lease(ctx, deps, options);
        if (read) lease = std::move(*read);
      }
    } else {
      lease = co_await make_lease(ctx, deps, options);
    }
    (void)co_await rt::sleep_for(ctx, jittered(deps.runtime, interval));
  }
}

}  // namespace pintle::kubelet::node
