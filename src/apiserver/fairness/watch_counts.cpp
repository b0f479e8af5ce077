#include "apiserver/fairness/watch_counts.h"

#include <string>

#include "apiserver/fairness/flow_schema.h"

namespace pintle::apiserver::fairness {

namespace {

uint64_t key_of(const RequestInfo& info, std::string_view ns, std::string_view name) {
  return hash_flow(hash_flow(hash_flow(0, info.group, info.resource), "", ns), "", name);
}

bool of_one_node(const RequestInfo& info) {
  return info.group.empty() && info.resource == "pods" && info.field_selector.find("spec.nodeName=") != std::string::npos;
}

}  // namespace

WatchCounts::Registration WatchCounts::add(const RequestInfo& info) {
  if (of_one_node(info)) return {};
  const uint64_t key = key_of(info, info.ns, info.name);
  ExclusiveThreadLock lock(mutex_);
  ++counts_[key];
  return {this, key};
}

void WatchCounts::remove(uint64_t key) {
  ExclusiveThreadLock lock(mutex_);
  const auto found = counts_.find(key);
  if (--found->second == 0) counts_.erase(found);
}

std::size_t WatchCounts::woken_by(const RequestInfo& info) const {
  const bool namespaced = !info.ns.empty(), named = !info.name.empty();
  const uint64_t keys[] = {key_of(info, {}, {}), key_of(info, info.ns, {}), key_of(info, {}, info.name), key_of(info, info.ns, info.name)};
  const bool distinct[] = {true, namespaced, named, namespaced && named};
  std::size_t sum = 0;
  SharedThreadLock lock(mutex_);
  for (std::size_t i = 0; i < std::size(keys); ++i) {
    if (!distinct[i]) continue;
    if (const auto found = counts_.find(keys[i]); found != counts_.end()) sum += found->second;
  }
  return sum;
}

}  // namespace pintle::apiserver::fairness
