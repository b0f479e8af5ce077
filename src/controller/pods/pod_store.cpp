#include "controller/pods/pod_store.h"

#include "controller/objects/owner.h"
#include "rules/owner_references.h"
#include "rules/pod_claims.h"
#include "rules/pod_state.h"

namespace pintle::controller::pods {

using api::core_v1::Container;
using api::core_v1::Pod;

namespace {

template <class C>
void slim_container(C& container) {
  container.command.clear();
  container.args.clear();
  container.working_dir.clear();
  container.env.clear();
  container.env_from.clear();
  container.volume_mounts.clear();
  container.volume_devices.clear();
  container.liveness_probe.reset();
  container.readiness_probe.reset();
  container.startup_probe.reset();
  container.lifecycle.reset();
  container.security_context.reset();
  container.termination_message_path.clear();
  container.termination_message_policy.clear();
}

void slim_pod(api::Object& object) {
  Pod& pod = object.as<Pod>();
  for (auto& container : pod.spec.containers) slim_container(container);
  for (auto& container : pod.spec.init_containers) slim_container(container);
  pod.spec.ephemeral_containers.clear();
  pod.spec.security_context.reset();
  pod.spec.dns_config.reset();
  pod.spec.host_aliases.clear();
  pod.metadata.annotations.erase("kubectl.kubernetes.io/last-applied-configuration");
}

client::InformerOptions pod_options() {
  client::InformerOptions options;
  options.transform = slim_pod;
  return options;
}

bool is_of(const api::meta_v1::OwnerReference& ref, const PodStore::OwnerHandler& handler) {
  return ref.kind == handler.kind && rules::group_of(ref.api_version) == handler.group;
}

}  // namespace

PodStore::PodStore(client::Informers& informers) : pods_(informers.of<Pod>("", pod_options())) {
  objects::index_by_controller(pods_);
  client::index_labels(pods_);
  pods_.add_index("claim", [](const Pod& pod) {
    std::vector<std::string> out;
    for (const std::string& claim : rules::claim_names(pod)) out.push_back(client::object_key(pod.metadata.namespace_, claim));
    return out;
  });
  pods_.add_index("finished", [](const Pod& pod) {
    return rules::is_terminal(pod) && !is_deleted(pod.metadata) ? std::vector<std::string>{""} : std::vector<std::string>();
  });
  pods_.add_index(
      "node", [](const Pod& pod) { return pod.spec.node_name.empty() ? std::vector<std::string>() : std::vector<std::string>{pod.spec.node_name}; });
}

// By the shorter way: there may be many pods of nobody, or many that have the selector's labels.
std::vector<PodPtr> PodStore::orphans_selected(std::string_view namespace_name, const apimachinery::LabelSelector& selector) const {
  client::Informer<Pod> pods = pods_;
  const client::ObjectStore& store = pods.any().store();
  const std::size_t orphans = store.count_by_index(objects::controller_index, std::string(objects::nobody_in) + std::string(namespace_name));
  if (orphans == 0 || selector.matches_nothing()) return {};
  const std::string rarest = client::rarest_label(store, namespace_name, apimachinery::demanded_labels(selector));
  const bool by_label = !rarest.empty() && store.count_by_index(client::labels_index, rarest) < orphans;
  auto out = by_label ? pods.by_index(client::labels_index, rarest) : objects::orphans_in(pods, namespace_name);
  std::erase_if(out, [&](const PodPtr& pod) { return rules::controller_of(pod->metadata) != nullptr || !selector.matches(pod->metadata.labels); });
  return out;
}

void PodStore::add_owner_handler(OwnerHandler handler) {
  auto shared = std::make_shared<const OwnerHandler>(std::move(handler));
  const auto tell = [shared](const PodPtr& pod) {
    if (const auto* ref = rules::controller_of(pod->metadata)) {
      if (is_of(*ref, *shared)) shared->owner(pod->metadata.namespace_, *ref, pod);
    } else if (shared->orphan && !is_deleted(pod->metadata)) {
      shared->orphan(*pod);
    }
  };
  client::Informer<Pod>::Handler h;
  h.on_add = [tell](const PodPtr& pod, bool) { tell(pod); };
  h.on_update = [shared, tell](const PodPtr& before, const PodPtr& after) {
    const auto* old_ref = rules::controller_of(before->metadata);
    const auto* new_ref = rules::controller_of(after->metadata);
    const bool moved = (old_ref ? old_ref->uid : "") != (new_ref ? new_ref->uid : "");
    if (moved && old_ref && is_of(*old_ref, *shared)) shared->owner(before->metadata.namespace_, *old_ref, before);
    if (new_ref || moved || before->metadata.labels != after->metadata.labels) tell(after);
  };
  h.on_delete = [shared](const PodPtr& pod) {
    const auto* ref = rules::controller_of(pod->metadata);
    if (ref && is_of(*ref, *shared)) shared->owner(pod->metadata.namespace_, *ref, pod);
  };
  pods_.add_handler(std::move(h));
}

}  // namespace pintle::controller::pods
