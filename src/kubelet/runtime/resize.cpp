#include "kubelet/runtime/resize.h"

#include <algorithm>
#include <array>

#include "kubelet/resources/pod_resources.h"

namespace pintle::kubelet::runtime {

using namespace api::core_v1;

namespace {

constexpr std::array<std::string_view, 2> resizable{"cpu", "memory"};

// Absent and absent are equal; absent is no amount of the other.
bool same(const rules::ResourceList& a, const rules::ResourceList& b, std::string_view name) {
  const auto x = a.find(name);
  const auto y = b.find(name);
  if (x == a.end() || y == b.end()) return x == a.end() && y == b.end();
  return x->second == y->second;
}

bool differs(const ResourceRequirements& a, const ResourceRequirements& b, std::string_view name) {
  return !same(a.requests, b.requests, name) || !same(a.limits, b.limits, name);
}

bool needs_restart(const Container& container, std::string_view name) {
  return std::any_of(container.resize_policy.begin(), container.resize_policy.end(),
                     [&](const auto& policy) { return policy.resource_name == name && policy.restart_policy == "RestartContainer"; });
}

template <class Visit>
void each_resizable(const PodSpec& spec, bool init_containers, Visit visit) {
  for (const auto& container : spec.init_containers) {
    if (init_containers || rules::is_sidecar(container)) visit(container);
  }
  for (const auto& container : spec.containers) visit(container);
}

void take_larger(rules::ResourceList& to, const rules::ResourceList& other, bool absent_is_most) {
  for (const auto name : resizable) {
    const auto mine = to.find(name);
    const auto theirs = other.find(name);
    if (theirs == other.end()) {
      if (absent_is_most) to.erase(name);
    } else if (mine == to.end()) {
      if (!absent_is_most) to[name] = theirs->second;
    } else if (mine->second.compare(theirs->second) < 0) {
      to[name] = theirs->second;
    }
  }
}

const ResourceRequirements& pod_level_of(const PodSpec& spec) {
  static const ResourceRequirements none;
  return spec.resources ? *spec.resources : none;
}

// As the runtime is told: the pod's limit where the container has none.
ResourceRequirements with_pod_limits(ResourceRequirements own, const ResourceRequirements& pod) {
  for (const auto name : resizable) {
    const auto limit = pod.limits.find(name);
    if (limit != pod.limits.end() && !own.limits.contains(name)) own.limits[name] = limit->second;
  }
  return own;
}

bool any_differs(const ResourceRequirements& a, const ResourceRequirements& b) {
  return std::ranges::any_of(resizable, [&](std::string_view name) { return differs(a, b, name); });
}

const Container* find(const std::vector<Container>& list, std::string_view name) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& c) { return c.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

std::vector<ContainerResize> plan_resize(const Pod& pod, const PodState& state, const Applied& applied, bool init_containers) {
  std::vector<ContainerResize> out;
  const ResourceRequirements& pod_level = pod_level_of(pod.spec);
  each_resizable(pod.spec, init_containers, [&](const Container& container) {
    const RuntimeContainer* active = state.active(container.name);
    if (!active || active->phase != ContainerPhase::Running) return;
    const auto now = applied.containers.find(active->id);
    if (now == applied.containers.end()) return;
    const ResourceRequirements has = with_pod_limits(now->second, applied.pod.value_or(pod_level));
    const ResourceRequirements wants = with_pod_limits(container.resources, pod_level);
    ContainerResize resize{container.name, active->id, false};
    bool any = false;
    for (const auto name : resizable) {
      if (!differs(has, wants, name)) continue;
      any = true;
      resize.restart |= needs_restart(container, name);
    }
    if (any) out.push_back(std::move(resize));
  });
  return out;
}

bool pod_level_differs(const PodSpec& spec, const Applied& applied) { return applied.pod && any_differs(*applied.pod, pod_level_of(spec)); }

ResourceRequirements said_pod_level(const Pod& pod, const PodStatus& status) {
  ResourceRequirements out = pod_level_of(pod.spec);
  const auto take = [](rules::ResourceList& to, const rules::ResourceList& said) {
    for (const auto name : resizable) {
      const auto amount = said.find(name);
      if (to.contains(name) && amount != said.end()) to[name] = amount->second;
    }
  };
  if (status.resources) {
    take(out.requests, status.resources->requests);
    take(out.limits, status.resources->limits);
  }
  return out;
}

Pod with_room_for_both(const Pod& pod, const PodState& state, const Applied& applied) {
  Pod out = pod;
  const auto widen = [](ResourceRequirements& to, const ResourceRequirements& other) {
    take_larger(to.limits, other.limits, true);
    take_larger(to.requests, other.requests, false);
  };
  for (auto* list : {&out.spec.init_containers, &out.spec.containers}) {
    for (auto& container : *list) {
      const RuntimeContainer* active = state.active(container.name);
      const auto now = active ? applied.containers.find(active->id) : applied.containers.end();
      if (now != applied.containers.end()) widen(container.resources, now->second);
    }
  }
  if (out.spec.resources && applied.pod) widen(*out.spec.resources, *applied.pod);
  return out;
}

bool pod_levels_differ(const PodSpec& a, const PodSpec& b) { return any_differs(pod_level_of(a), pod_level_of(b)); }

bool resources_differ(const PodSpec& a, const PodSpec& b) {
  bool any = pod_levels_differ(a, b);
  const auto compare = [&any](const std::vector<Container>& x, const std::vector<Container>& y) {
    for (const auto& container : x) {
      const Container* other = find(y, container.name);
      for (const auto name : resizable) any |= other && differs(container.resources, other->resources, name);
    }
  };
  compare(a.containers, b.containers);
  compare(a.init_containers, b.init_containers);
  return any;
}

void keep_resources(const PodSpec& from, PodSpec& to) {
  const auto keep = [](const std::vector<Container>& x, std::vector<Container>& y) {
    for (auto& container : y) {
      if (const Container* old = find(x, container.name)) container.resources = old->resources;
    }
  };
  keep(from.containers, to.containers);
  keep(from.init_containers, to.init_containers);
  to.resources = from.resources;
}

}  // namespace pintle::kubelet::runtime
