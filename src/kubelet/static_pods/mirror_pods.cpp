#include "kubelet/static_pods/mirror_pods.h"

#include <algorithm>

#include "component/log.h"

namespace pintle::kubelet::static_pods {

namespace {

using namespace std::chrono_literals;
using api::core_v1::Pod;
namespace log = component::log;

constexpr auto retry_first = 200ms;
constexpr auto retry_max = 10s;

std::string note(const Pod& pod, std::string_view name) {
  const std::string* value = pod.metadata.annotations.get(name);
  return value ? *value : std::string();
}

}  // namespace

MirrorPlan plan_mirrors(const std::vector<PodPtr>& static_pods, const std::vector<PodPtr>& mirrors) {
  MirrorPlan plan;
  for (const PodPtr& mirror : mirrors) {
    const auto it = std::ranges::find_if(static_pods, [&](const PodPtr& pod) { return pod_full_name(*pod) == pod_full_name(*mirror); });
    const bool same = it != static_pods.end() && note(*mirror, annotations::config_mirror) == note(**it, annotations::config_hash);
    // One that somebody deletes is finished off, and made again.
    if (!same || mirror->metadata.deletion_timestamp) plan.remove.push_back(mirror);
  }
  for (const PodPtr& pod : static_pods) {
    const bool there = std::ranges::any_of(mirrors, [&](const PodPtr& mirror) { return pod_full_name(*pod) == pod_full_name(*mirror); });
    if (!there) plan.create.push_back(pod);
  }
  return plan;
}

Pod mirror_of_static_pod(const Pod& pod, const std::string& node_name, const std::string& node_uid) {
  Pod out = pod;
  out.metadata.annotations[annotations::config_mirror] = note(pod, annotations::config_hash);
  out.metadata.owner_references.clear();
  auto& owner = out.metadata.owner_references.emplace_back();
  owner.api_version = "v1";
  owner.kind = "Node";
  owner.name = node_name;
  owner.uid = node_uid;
  owner.controller = true;
  return out;
}

rt::Task<bool> MirrorPods::apply(rt::Context ctx, MirrorPlan plan) {
  bool all = true;
  for (const PodPtr& mirror : plan.remove) {
    client::DeleteOptions options;
    options.grace_period_seconds = 0;
    options.precondition_uid = mirror->metadata.uid;
    auto removed = co_await deps_.client.remove<Pod>(ctx, mirror->metadata.namespace_, mirror->metadata.name, std::move(options));
    if (removed || removed.error().reason == Reason::NotFound || removed.error().reason == Reason::Conflict) continue;
    log::error("Failed deleting a mirror pod", removed.error(), {{"pod", format_pod(*mirror)}});
    all = false;
  }
  const std::string node_uid = deps_.node_uid();
  if (node_uid.empty() && !plan.create.empty()) co_return all;  // registering pokes
  for (const PodPtr& pod : plan.create) {
    Pod mirror = mirror_of_static_pod(*pod, deps_.node_name, node_uid);
    auto created = co_await deps_.client.create<Pod>(ctx, std::move(mirror));
    // One that is there already comes in through the watch.
    if (created || created.error().reason == Reason::AlreadyExists) continue;
    log::error("Failed creating a mirror pod", created.error(), {{"pod", format_pod(*pod)}});
    all = false;
  }
  co_return all;
}

rt::Task<void> MirrorPods::run(rt::Context ctx) {
  rt::Duration retry = retry_first;
  while (!ctx.done()) {
    poked_.reset();
    std::vector<PodPtr> static_pods;
    for (const auto& [uid, pod] : deps_.pods.pods())
      if (is_static_pod(*pod)) static_pods.push_back(pod);
    std::vector<PodPtr> mirrors;
    for (const auto& [name, mirror] : deps_.pods.mirrors()) mirrors.push_back(mirror);
    bool done = true;
    // Before every source has told, a mirror without its static pod means nothing.
    if (deps_.pods.complete()) {
      MirrorPlan plan = plan_mirrors(static_pods, mirrors);
      if (!plan.empty()) done = co_await apply(ctx, std::move(plan));
    }
    if (done) {
      retry = retry_first;
      (void)co_await poked_.wait(ctx);
    } else {
      (void)co_await poked_.wait(ctx.with_timeout(retry));
      retry = std::min<rt::Duration>(retry * 2, retry_max);
    }
  }
}

}  // namespace pintle::kubelet::static_pods
