#include "kubelet/csi_drivers/node_publisher.h"

#include "component/log.h"
#include "rt/backoff.h"

namespace pintle::kubelet::csi_drivers {

namespace {

namespace log = component::log;
using namespace std::chrono_literals;
using api::core_v1::Node;
using api::storage_v1::CSINode;

// Upstream's: four tries within a second, for what others write meanwhile.
rt::BackoffOptions few_tries() {
  rt::BackoffOptions out;
  out.initial = 10ms;
  out.factor = 5.0;
  out.jitter = 0.1;
  out.tries_max = 4;
  return out;
}

rt::BackoffOptions until_done() {
  rt::BackoffOptions out;
  out.initial = 100ms;
  out.max = 30s;
  return out;
}

}  // namespace

void NodePublisher::node_known(const std::string& uid) {
  if (uid.empty() || uid == uid_) return;
  uid_ = uid;
  known_.set();
  poked_.set();
}

void NodePublisher::withdraw(std::string name) {
  wanted_.erase(name);
  withdrawn_.insert(std::move(name));
  poked_.set();
}

rt::Task<Result<Unit>> NodePublisher::publish(rt::Context ctx, DriverOnNode driver) {
  CO_TRY(co_await known_.wait(ctx));
  CO_TRY_ASSIGN(const auto lock, co_await writing_.lock(ctx));
  withdrawn_.erase(driver.name);
  auto written = co_await write(ctx, driver);
  const bool gone = withdrawn_.contains(driver.name);  // while it was written
  if (written && !gone) {
    std::string name = driver.name;
    wanted_.insert_or_assign(std::move(name), std::move(driver));
  } else if (gone) {
    poked_.set();
  } else if (wanted_.contains(driver.name)) {
    done_uid_.clear();  // what the one before it said is to stand there again
    poked_.set();
  } else {
    withdraw(driver.name);  // a part may have been written
  }
  co_return std::move(written);
}

rt::Task<Result<Unit>> NodePublisher::write(rt::Context ctx, DriverOnNode driver) {
  rt::Backoff backoff(few_tries());
  Result<Unit> result = Unit{};
  for (int i = 0; i < few_tries().tries_max; ++i) {
    result = co_await write_once(ctx, driver);
    if (result) break;
    CO_TRY(co_await rt::sleep_for(ctx, backoff.next(deps_.runtime.random())));
  }
  co_return std::move(result);
}

rt::Task<Result<Unit>> NodePublisher::patch_node(rt::Context ctx, std::string patch) {
  if (patch.empty()) co_return Unit{};
  client::PatchOptions options;
  options.subresource = "status";  // as upstream's, whose right to it is the kubelet's
  CO_TRY(co_await deps_.client.patch<Node>(ctx, std::string(), deps_.node_name, client::PatchType::Merge, std::move(patch), options));
  co_return Unit{};
}

rt::Task<Result<CSINode>> NodePublisher::own_csi_node(rt::Context ctx, std::string uid) {
  auto read = co_await deps_.client.get<CSINode>(ctx, std::string(), deps_.node_name);
  if (read && is_of_node(*read, deps_.node_name, uid)) co_return std::move(read);
  if (!read && read.error().reason != Reason::NotFound) co_return Unexpected(std::move(read).error());
  if (read) {
    client::DeleteOptions options;
    options.precondition_uid = read->metadata.uid;
    CO_TRY(co_await deps_.client.remove<CSINode>(ctx, std::string(), deps_.node_name, std::move(options)));
    log::info(0, "Removed the CSINode of an earlier Node", {{"node", deps_.node_name}});
  }
  CSINode made = new_csi_node(deps_.node_name, uid);
  co_return co_await deps_.client.create<CSINode>(ctx, std::move(made));
}

rt::Task<Result<Unit>> NodePublisher::ensure_csi_node(rt::Context ctx) {
  CO_TRY_ASSIGN(CSINode csi_node, co_await own_csi_node(ctx, uid_));
  if (!set_migrated(csi_node)) co_return Unit{};
  CO_TRY(co_await deps_.client.update<CSINode>(ctx, std::move(csi_node)));
  co_return Unit{};
}

rt::Task<Result<Unit>> NodePublisher::write_once(rt::Context ctx, DriverOnNode driver) {
  CO_TRY_ASSIGN(const Node node, co_await deps_.client.get<Node>(ctx, std::string(), deps_.node_name));
  CO_TRY_ASSIGN(std::string patch, install_patch(node, driver));
  CO_TRY(co_await patch_node(ctx, std::move(patch)));
  CO_TRY_ASSIGN(CSINode csi_node, co_await own_csi_node(ctx, node.metadata.uid));
  const bool migrated = set_migrated(csi_node);
  const bool installed = install(csi_node, driver);
  if (!migrated && !installed) co_return Unit{};
  CO_TRY(co_await deps_.client.update<CSINode>(ctx, std::move(csi_node)));
  co_return Unit{};
}

rt::Task<Result<Unit>> NodePublisher::write_absence(rt::Context ctx, std::string name) {
  auto csi_node = co_await deps_.client.get<CSINode>(ctx, std::string(), deps_.node_name);
  if (!csi_node && csi_node.error().reason != Reason::NotFound) co_return Unexpected(std::move(csi_node).error());
  if (csi_node && uninstall(*csi_node, name)) CO_TRY(co_await deps_.client.update<CSINode>(ctx, std::move(*csi_node)));
  CO_TRY_ASSIGN(const Node node, co_await deps_.client.get<Node>(ctx, std::string(), deps_.node_name));
  co_return co_await patch_node(ctx, uninstall_patch(node, name));
}

rt::Task<Result<Unit>> NodePublisher::catch_up(rt::Context ctx) {
  CO_TRY_ASSIGN(const auto lock, co_await writing_.lock(ctx));
  while (!withdrawn_.empty()) {
    const std::string name = *withdrawn_.begin();
    CO_TRY(co_await write_absence(ctx, name));
    withdrawn_.erase(name);
  }
  if (uid_ == done_uid_) co_return Unit{};
  const std::string uid = uid_;
  CO_TRY(co_await ensure_csi_node(ctx));
  const auto again = wanted_;
  Result<Unit> result = Unit{};
  for (const auto& [name, driver] : again) {
    auto written = co_await write(ctx, driver);
    if (written) continue;
    log::error("A CSI driver is not told of", written.error(), {{"driver", name}});
    // One that the Node's labels contradict keeps no other from its place.
    if (written.error().reason != Reason::Invalid) result = std::move(written);
  }
  if (result) done_uid_ = uid;
  co_return std::move(result);
}

rt::Task<void> NodePublisher::run(rt::Context ctx) {
  rt::Backoff backoff(until_done());
  while (!ctx.done()) {
    poked_.reset();
    if (!uid_.empty()) {
      const auto done = co_await catch_up(ctx);
      if (ctx.done()) break;
      if (!done) {
        log::error("The CSINode is not written", done.error(), {{"node", deps_.node_name}});
        (void)co_await rt::sleep_for(ctx, backoff.next(deps_.runtime.random()));
        continue;
      }
      backoff.reset();
    }
    (void)co_await poked_.wait(ctx);
  }
}

}  // namespace pintle::kubelet::csi_drivers
