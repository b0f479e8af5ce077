// The parts of a pod that have a way of their own after it runs: ephemeral containers, and the cpu and memory of what is
// there. Each takes from the request what it is for and everything else, metadata too, from the pod as it is.
#include <algorithm>
#include <map>

#include "api/codec.h"
#include "apiserver/registry/object_steps.h"
#include "apiserver/resources/core/pod.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/types/options.h"
#include "rules/pod_resources.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using ResourceList = FlatMap<api::Quantity>;

template <class T>
bool same(const T& a, const T& b) {
  return api::equal(api::type_of<T>(), &a, &b);
}

bool enabled(const RequestScope& scope, std::string_view gate) { return scope.options != nullptr && scope.options->feature_gates.enabled(gate); }

class EphemeralContainersStrategy : public registry::TypedStrategy<core::Pod> {
 public:
  void prepare_for_update(const RequestScope&, core::Pod& pod, const core::Pod& old) const override {
    auto containers = std::move(pod.spec.ephemeral_containers);
    pod.spec = old.spec;
    pod.status = old.status;
    registry::keep_client_metadata(pod.metadata, old.metadata);
    pod.spec.ephemeral_containers = std::move(containers);
    default_pod_spec(pod.spec);
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const core::Pod& pod, const core::Pod& old, FieldErrors& errors) const override {
    const FieldPath path("spec", "ephemeralContainers");
    if (old.metadata.annotations.contains(mirror_annotation)) {
      errors.forbidden(path, "a static pod has none: what it is stands in a file of its node");
      return;
    }
    validate_pod_spec(pod.spec, FieldPath("spec"), {.metadata = &pod.metadata}, errors);
    std::map<std::string_view, const core::EphemeralContainer*> given;
    for (const core::EphemeralContainer& container : pod.spec.ephemeral_containers) given.try_emplace(container.name, &container);
    for (const core::EphemeralContainer& before : old.spec.ephemeral_containers) {
      const auto now = given.find(before.name);
      if (now == given.end()) {
        errors.forbidden(path, "existing ephemeral containers \"" + before.name + "\" may not be removed");
      } else if (!same(*now->second, before)) {
        errors.forbidden(path, "existing ephemeral containers \"" + before.name + "\" may not be changed");
      }
    }
  }
};

// The old containers with the resources and the resize policy that are asked for. A container that is not where it was is
// left as it was asked for, so that validation refuses it.
void take_resources(std::vector<core::Container>& asked, const std::vector<core::Container>& old) {
  if (asked.size() != old.size()) return;
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (asked[i].name != old[i].name) continue;
    core::Container merged = old[i];
    merged.resources = std::move(asked[i].resources);
    merged.resize_policy = std::move(asked[i].resize_policy);
    asked[i] = std::move(merged);
  }
}

// False if containers came, went or changed places, which is told.
bool check_order(const std::vector<core::Container>& now, const std::vector<core::Container>& old, const FieldPath& path, FieldErrors& errors) {
  if (now.size() != old.size()) {
    errors.forbidden(path, "containers may not be added or removed on resize");
    return false;
  }
  bool kept = true;
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (now[i].name == old[i].name) continue;
    errors.forbidden(path.index(i).child("name"), "containers may not be renamed or reordered on resize");
    kept = false;
  }
  return kept;
}

bool removes(const ResourceList& now, const ResourceList& old) {
  return std::any_of(old.begin(), old.end(), [&](const auto& entry) { return !now.contains(entry.first); });
}

void check_removals(const core::ResourceRequirements& now, const core::ResourceRequirements& old, const FieldPath& path, FieldErrors& errors) {
  if (removes(now.requests, old.requests)) errors.forbidden(path.child("requests"), "resource requests cannot be removed");
  if (removes(now.limits, old.limits)) errors.forbidden(path.child("limits"), "resource limits cannot be removed");
}

// Gives cpu and memory back what they were, so that any other difference shows.
void restore_cpu_memory(ResourceList& now, const ResourceList& old) {
  for (const std::string_view name : {"cpu", "memory"}) {
    if (const api::Quantity* before = old.get(name)) {
      now[name] = *before;
    } else {
      now.erase(name);
    }
  }
}

core::ResourceRequirements without_cpu_memory_changes(core::ResourceRequirements now, const core::ResourceRequirements& old) {
  restore_cpu_memory(now.requests, old.requests);
  restore_cpu_memory(now.limits, old.limits);
  return now;
}

// A node that tells what its running containers have knows how to change it. Where nothing runs yet, nothing speaks against it.
bool node_resizes(const core::Pod& pod) {
  for (const core::ContainerStatus& status : pod.status.container_statuses)
    if (status.state.running) return static_cast<bool>(status.resources);
  return true;
}

class ResizeStrategy : public registry::TypedStrategy<core::Pod> {
 public:
  void prepare_for_update(const RequestScope& scope, core::Pod& pod, const core::Pod& old) const override {
    auto containers = std::move(pod.spec.containers);
    auto init_containers = std::move(pod.spec.init_containers);
    auto pod_level = std::move(pod.spec.resources);
    pod.spec = old.spec;
    pod.status = old.status;
    registry::keep_client_metadata(pod.metadata, old.metadata);
    take_resources(containers, old.spec.containers);
    take_resources(init_containers, old.spec.init_containers);
    pod.spec.containers = std::move(containers);
    pod.spec.init_containers = std::move(init_containers);
    if (enabled(scope, "InPlacePodLevelResourcesVerticalScaling")) pod.spec.resources = std::move(pod_level);
  }
  bool validate_update_includes_validate() const override { return false; }

  void validate_update(const RequestScope& scope, const core::Pod& pod, const core::Pod& old, FieldErrors& errors) const override {
    const FieldPath spec("spec");
    validate_pod_spec(pod.spec, spec, {.metadata = &pod.metadata}, errors);
    if (old.spec.os && old.spec.os->name == "windows") errors.forbidden(spec, "windows pods cannot be resized");
    if (!node_resizes(old)) errors.forbidden(spec, "Pod running on node without support for resize");
    const std::string_view before = old.status.qos_class.empty() ? rules::qos_class_of_spec(old.spec) : std::string_view(old.status.qos_class);
    if (rules::qos_class_of_spec(pod.spec) != before)
      errors.invalid(spec, std::string(before), "Pod QOS Class may not change as a result of resizing");
    const bool containers = check_order(pod.spec.containers, old.spec.containers, spec.child("containers"), errors);
    const bool init_containers = check_order(pod.spec.init_containers, old.spec.init_containers, spec.child("initContainers"), errors);
    if (containers && init_containers) validate_changes(scope, pod.spec, old.spec, errors);
  }

 private:
  static void validate_changes(const RequestScope& scope, const core::PodSpec& now, const core::PodSpec& old, FieldErrors& errors) {
    const FieldPath spec("spec");
    const bool init_gate = enabled(scope, "InPlacePodVerticalScalingInitContainers");
    bool mutable_alone = true;
    const auto check = [&](const core::Container& container, const core::Container& before, const FieldPath& path) {
      check_removals(container.resources, before.resources, path.child("resources"), errors);
      core::Container rest = container;
      rest.resources = without_cpu_memory_changes(container.resources, before.resources);
      mutable_alone = mutable_alone && same(rest, before);
    };
    for (std::size_t i = 0; i < old.containers.size(); ++i) check(now.containers[i], old.containers[i], spec.child("containers").index(i));
    for (std::size_t i = 0; i < old.init_containers.size(); ++i) {
      const core::Container& before = old.init_containers[i];
      if (init_gate || rules::is_sidecar(before)) {
        check(now.init_containers[i], before, spec.child("initContainers").index(i));
      } else if (!same(now.init_containers[i], before)) {
        errors.forbidden(spec, "resources for non-sidecar init containers are immutable");
      }
    }
    if (old.resources && now.resources) check_removals(*now.resources, *old.resources, spec.child("resources"), errors);
    mutable_alone = mutable_alone && same_pod_level(now, old);
    if (!mutable_alone) errors.forbidden(spec, "only cpu and memory resources are mutable");
  }

  static bool same_pod_level(const core::PodSpec& now, const core::PodSpec& old) {
    static const core::ResourceRequirements none;
    const core::ResourceRequirements& before = old.resources ? *old.resources : none;
    const core::ResourceRequirements rest = without_cpu_memory_changes(now.resources ? *now.resources : none, before);
    if (old.resources && !now.resources) return false;
    return same(rest, before);
  }
};

}  // namespace

std::shared_ptr<const registry::Strategy> make_ephemeral_containers_strategy() { return std::make_shared<EphemeralContainersStrategy>(); }
std::shared_ptr<const registry::Strategy> make_resize_strategy() { return std::make_shared<ResizeStrategy>(); }

}  // namespace pintle::apiserver::resources
