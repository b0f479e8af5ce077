#include "kubelet/admission/preemption.h"

#include <algorithm>
#include <cmath>

#include "kubelet/resources/pod_resources.h"
#include "kubelet/types/pod.h"

namespace pintle::kubelet::admission {

namespace {

using api::core_v1::Pod;
using Pods = std::vector<const Pod*>;
using Shortages = std::vector<Shortage>;

bool may_preempt(const Pod& pod, const Pod& other) {
  if (is_critical_pod(pod) && !is_critical_pod(other)) return true;
  return pod.spec.priority && other.spec.priority && *pod.spec.priority > *other.spec.priority;
}

Shortages left_after(Shortages shortages, const Pods& ended) {
  for (Shortage& shortage : shortages)
    for (const Pod* pod : ended) shortage.amount -= request_amount(*pod, shortage.resource);
  std::erase_if(shortages, [](const Shortage& shortage) { return shortage.amount <= 0; });
  return shortages;
}

// How much of each shortage would remain, each weighted alike.
double distance(const Pod& pod, const Shortages& shortages) {
  double out = 0;
  for (const Shortage& shortage : shortages) {
    const auto remaining = static_cast<double>(shortage.amount - request_amount(pod, shortage.resource));
    if (remaining > 0) out += std::pow(remaining / static_cast<double>(shortage.amount), 2);
  }
  return out;
}

bool smaller(const Pod& a, const Pod& b) {
  for (const char* resource : {"memory", "cpu"}) {
    const int64_t x = request_amount(a, resource);
    const int64_t y = request_amount(b, resource);
    if (x != y) return x < y;
  }
  return true;
}

// The next best until nothing is short.
Pods choose(Pods from, Shortages shortages) {
  Pods out;
  while (!shortages.empty() && !from.empty()) {
    std::size_t best = 0;
    double best_distance = distance(*from[0], shortages);
    for (std::size_t i = 1; i < from.size(); ++i) {
      const double d = distance(*from[i], shortages);
      if (d > best_distance || (d == best_distance && !smaller(*from[i], *from[best]))) continue;
      best = i;
      best_distance = d;
    }
    shortages = left_after(std::move(shortages), {from[best]});
    out.push_back(from[best]);
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(best));
  }
  return out;
}

Pods both(Pods a, const Pods& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

int64_t request_amount(const Pod& pod, std::string_view resource) {
  if (resource == "pods") return 1;
  const rules::ResourceList requests = rules::pod_requests(pod.spec);
  return resource == "cpu" ? resources::resource_milli_value(requests, resource) : resources::resource_value(requests, resource);
}

Pods pods_to_preempt(const Pod& pod, const Pods& others, Shortages shortages) {
  Pods best_effort, burstable, guaranteed;
  for (const Pod* other : others) {
    if (!may_preempt(pod, *other)) continue;
    const std::string_view qos = rules::qos_class(*other);
    (qos == "BestEffort" ? best_effort : qos == "Burstable" ? burstable : guaranteed).push_back(other);
  }
  if (!left_after(shortages, both(both(best_effort, burstable), guaranteed)).empty()) return {};
  // Of each class only what the lesser ones cannot give.
  const Pods from_guaranteed = choose(guaranteed, left_after(shortages, both(best_effort, burstable)));
  const Pods from_burstable = choose(burstable, left_after(shortages, both(best_effort, from_guaranteed)));
  const Pods from_best_effort = choose(best_effort, left_after(shortages, both(from_burstable, from_guaranteed)));
  return both(both(from_best_effort, from_burstable), from_guaranteed);
}

}  // namespace pintle::kubelet::admission
