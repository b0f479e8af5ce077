#include "apiserver/authorization/node/pod_index.h"

#include <algorithm>

namespace pintle::apiserver::authorization::node {
namespace {

std::string_view node_of(const storage::CachedObjectPtr& pod) {
  const std::string_view* node = pod ? pod->header().fields.get("spec.nodeName") : nullptr;
  return node ? *node : std::string_view();
}

bool same_pod(const storage::CachedObject& a, std::string_view ns, std::string_view name) { return a.header().name == name && a.header().ns == ns; }

}  // namespace

void PodIndex::remove(std::string_view node, const storage::CachedObject& pod) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  std::erase_if(it->second, [&](const Entry& entry) { return same_pod(*entry.pod, pod.header().ns, pod.header().name); });
  if (it->second.empty()) nodes_.erase(it);
}

void PodIndex::apply(const storage::CacheEvent& event) {
  if (!event.object) return;
  const std::string_view now = event.type == storage::CacheEventType::Deleted ? std::string_view() : node_of(event.object);
  const std::string_view before = event.type == storage::CacheEventType::Deleted ? node_of(event.object) : node_of(event.previous);
  if (now.empty() && before.empty()) return;
  ThreadLock lock(mutex_);
  if (!before.empty() && before != now) remove(before, *event.object);
  if (now.empty()) return;
  auto it = nodes_.find(now);
  if (it == nodes_.end()) it = nodes_.emplace(std::string(now), std::vector<Entry>()).first;
  for (Entry& entry : it->second) {
    if (!same_pod(*entry.pod, event.object->header().ns, event.object->header().name)) continue;
    entry = {event.object, nullptr};
    return;
  }
  it->second.push_back({event.object, nullptr});
}

std::vector<PodIndex::Entry> PodIndex::entries_of(std::string_view node, std::string_view ns) const {
  std::vector<Entry> out;
  ThreadLock lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return out;
  for (const Entry& entry : it->second)
    if (ns.empty() || entry.pod->header().ns == ns) out.push_back(entry);
  return out;
}

void PodIndex::remember(std::string_view node, const Entry& entry) const {
  ThreadLock lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  for (Entry& kept : it->second)
    if (kept.pod == entry.pod) kept.references = entry.references;
}

bool PodIndex::any(std::string_view node, std::string_view ns, const std::function<bool(std::string_view, const PodReferences&)>& test) const {
  for (Entry& entry : entries_of(node, ns)) {
    if (!entry.references) {
      const auto pod = reader_.decode(GroupResource{"", "pods"}, *entry.pod);
      if (!pod) continue;
      entry.references = std::make_shared<const PodReferences>(references_of(pod->as<api::core_v1::Pod>()));
      remember(node, entry);
    }
    if (test(entry.pod->header().ns, *entry.references)) return true;
  }
  return false;
}

bool PodIndex::has(std::string_view node, std::string_view ns, std::string_view pod) const {
  ThreadLock lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return false;
  return std::any_of(it->second.begin(), it->second.end(), [&](const Entry& entry) { return same_pod(*entry.pod, ns, pod); });
}

}  // namespace pintle::apiserver::authorization::node
