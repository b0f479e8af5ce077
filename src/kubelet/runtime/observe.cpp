#include "kubelet/runtime/observe.h"

#include <algorithm>
#include <charconv>

#include "kubelet/container_config/container_config.h"
#include "kubelet/runtime/termination_message.h"

namespace pintle::kubelet::runtime {

namespace cri_v1 = api::cri_v1;

namespace {

std::string value_of(const FlatMap<std::string>& map, std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

rt::WallTime from_nanos(int64_t nanos) { return rt::WallTime(rt::Duration(nanos)); }

ContainerPhase phase_of(int32_t state) {
  switch (state) {
    case cri_v1::ContainerState::Created: return ContainerPhase::Created;
    case cri_v1::ContainerState::Running: return ContainerPhase::Running;
    case cri_v1::ContainerState::Exited: return ContainerPhase::Exited;
    default: return ContainerPhase::Unknown;
  }
}

SandboxState from_list(const cri_v1::PodSandbox& sandbox) {
  SandboxState out;
  out.id = sandbox.id;
  if (sandbox.metadata) out.attempt = static_cast<uint32_t>(sandbox.metadata->attempt);
  out.ready = sandbox.state == cri_v1::PodSandboxState::Ready;
  out.created_at = from_nanos(sandbox.created_at);
  out.runtime_handler = sandbox.runtime_handler;
  return out;
}

RuntimeContainer from_list(const cri_v1::Container& container) {
  RuntimeContainer out;
  out.id = container.id;
  out.sandbox_id = container.pod_sandbox_id;
  out.name = value_of(container.labels, container_config::labels::container_name);
  if (container.metadata) out.attempt = static_cast<uint32_t>(container.metadata->attempt);
  out.phase = phase_of(container.state);
  out.created_at = from_nanos(container.created_at);
  out.image_id = container.image_ref;
  if (container.image) out.image = container.image->image;
  out.hash = value_of(container.annotations, container_config::labels::container_hash);
  out.termination_policy = value_of(container.annotations, container_config::labels::termination_message_policy);
  return out;
}

template <class List>
const typename List::value_type* find_id(const List& list, std::string_view id) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& one) { return one.id == id; });
  return found == list.end() ? nullptr : &*found;
}

template <class List>
void newest_first(List& list) {
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.created_at > b.created_at; });
}

void fill_status(const cri_v1::PodSandboxStatus& status, SandboxState& out) {
  out.ready = status.state == cri_v1::PodSandboxState::Ready;
  if (status.linux && status.linux->namespaces && status.linux->namespaces->options) {
    out.host_network = status.linux->namespaces->options->network == cri_v1::NamespaceMode::Node;
  }
  out.ips.clear();
  if (!status.network || out.host_network) return;
  if (!status.network->ip.empty()) out.ips.push_back(status.network->ip);
  for (const auto& more : status.network->additional_ips) out.ips.push_back(more.ip);
}

void fill_status(const cri_v1::ContainerStatus& status, RuntimeContainer& out) {
  out.phase = phase_of(status.state);
  out.started_at = from_nanos(status.started_at);
  out.finished_at = from_nanos(status.finished_at);
  out.exit_code = status.exit_code;
  out.reason = status.reason;
  out.message = status.message;
  if (status.image && !status.image->image.empty()) out.image = status.image->image;
  if (!status.image_ref.empty()) out.image_id = status.image_ref;
  out.log_path = status.log_path;
  const std::string path = value_of(status.annotations, container_config::labels::termination_message_path);
  out.user.reset();
  if (status.user && status.user->linux) out.user = {status.user->linux->uid, status.user->linux->gid, status.user->linux->supplemental_groups};
  out.recursive_read_only.clear();
  for (const auto& mount : status.mounts) {
    if (!path.empty() && mount.container_path == path) out.termination_log = mount.host_path;
    if (mount.recursive_read_only) out.recursive_read_only.push_back(mount.container_path);
  }
}

cri_v1::PodSandboxFilter sandbox_filter(const std::string& uid) {
  cri_v1::PodSandboxFilter filter;
  filter.label_selector[container_config::labels::pod_uid] = uid;
  return filter;
}
cri_v1::ContainerFilter container_filter(const std::string& uid) {
  cri_v1::ContainerFilter filter;
  filter.label_selector[container_config::labels::pod_uid] = uid;
  return filter;
}

rt::Task<Result<Unit>> look_at_sandbox(cri::RuntimeClient& runtime, rt::Context ctx, SandboxState& sandbox) {
  auto answer = co_await runtime.pod_sandbox_status(ctx, sandbox.id, false);
  if (!answer) {
    if (answer.error().reason == Reason::NotFound) {
      sandbox.ready = false;
      co_return Unit{};
    }
    co_return Unexpected(std::move(answer).error());
  }
  if (answer->status) fill_status(*answer->status, sandbox);
  co_return Unit{};
}

// False: it is gone.
rt::Task<Result<bool>> look_at_container(cri::RuntimeClient& runtime, rt::Context ctx, RuntimeContainer& container) {
  auto answer = co_await runtime.container_status(ctx, container.id, false);
  if (!answer) {
    if (answer.error().reason == Reason::NotFound) co_return false;
    co_return Unexpected(std::move(answer).error());
  }
  if (answer->status) fill_status(*answer->status, container);
  if (container.phase == ContainerPhase::Exited) co_await read_termination_message(container);
  co_return true;
}

}  // namespace

rt::Task<Result<PodState>> observe_pod(cri::RuntimeClient& runtime, rt::Context ctx, std::string uid, PodState previous) {
  CO_TRY_ASSIGN(const auto sandboxes, co_await runtime.list_pod_sandboxes(ctx, sandbox_filter(uid)));
  CO_TRY_ASSIGN(const auto containers, co_await runtime.list_containers(ctx, container_filter(uid)));
  PodState out;
  out.uid = uid;
  for (const auto& listed : sandboxes) {
    SandboxState sandbox = from_list(listed);
    const SandboxState* known = find_id(previous.sandboxes, sandbox.id);
    if (known && known->ready == sandbox.ready && (!known->ips.empty() || known->host_network)) {
      sandbox = *known;
    } else {
      CO_TRY(co_await look_at_sandbox(runtime, ctx, sandbox));
    }
    out.sandboxes.push_back(std::move(sandbox));
  }
  for (const auto& listed : containers) {
    RuntimeContainer container = from_list(listed);
    const RuntimeContainer* known = find_id(previous.containers, container.id);
    if (known && known->phase == container.phase) {
      container = *known;
    } else {
      auto there = co_await look_at_container(runtime, ctx, container);
      if (!there) co_return Unexpected(std::move(there).error());
      if (!*there) continue;
    }
    out.containers.push_back(std::move(container));
  }
  newest_first(out.sandboxes);
  newest_first(out.containers);
  co_return std::move(out);
}

rt::Task<Result<std::map<std::string, PodState>>> observe_all(cri::RuntimeClient& runtime, rt::Context ctx) {
  CO_TRY_ASSIGN(const auto sandboxes, co_await runtime.list_pod_sandboxes(ctx, cri_v1::PodSandboxFilter()));
  CO_TRY_ASSIGN(const auto containers, co_await runtime.list_containers(ctx, cri_v1::ContainerFilter()));
  std::map<std::string, PodState> out;
  const auto entry = [&out](const FlatMap<std::string>& pod_labels) -> PodState* {
    std::string uid = value_of(pod_labels, container_config::labels::pod_uid);
    if (uid.empty()) return nullptr;  // not a kubelet's
    PodState& state = out[uid];
    if (state.uid.empty()) {
      state.uid = std::move(uid);
      state.name = value_of(pod_labels, container_config::labels::pod_name);
      state.namespace_name = value_of(pod_labels, container_config::labels::pod_namespace);
    }
    return &state;
  };
  for (const auto& sandbox : sandboxes) {
    if (PodState* state = entry(sandbox.labels)) state->sandboxes.push_back(from_list(sandbox));
  }
  for (const auto& container : containers) {
    if (PodState* state = entry(container.labels)) state->containers.push_back(from_list(container));
  }
  for (auto& [uid, state] : out) {
    newest_first(state.sandboxes);
    newest_first(state.containers);
  }
  co_return std::move(out);
}

}  // namespace pintle::kubelet::runtime
