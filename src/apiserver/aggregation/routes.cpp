#include "apiserver/aggregation/routes.h"

#include <algorithm>

#include "rules/conditions.h"

namespace pintle::apiserver::aggregation {

namespace {

constexpr int32_t default_port = 443;

// The first `segments` segments of a path that begins with a slash; "": it has fewer.
std::string_view beginning(std::string_view path, int segments) {
  std::size_t end = 0;
  for (int i = 0; i < segments; ++i) {
    if (end >= path.size()) return {};
    end = std::min(path.find('/', end + 1), path.size());
  }
  return path.substr(0, end);
}

}  // namespace

RemotePtr remote_of(const api::apiregistration_v1::APIService& service) {
  const auto& spec = service.spec;
  if (!spec.service) return nullptr;
  auto out = std::make_shared<Remote>();
  out->name = service.metadata.name;
  out->uid = service.metadata.uid;
  out->group = spec.group;
  out->version = spec.version;
  out->priority = {spec.group_priority_minimum, spec.version_priority};
  out->service = {spec.service->namespace_, spec.service->name, spec.service->port.value_or(default_port)};
  out->ca_bundle = spec.ca_bundle;
  out->insecure = spec.insecure_skip_tls_verify;
  out->available = rules::condition_is(service.status.conditions, "Available", "True");
  return out;
}

bool same_way(const Remote& a, const Remote& b) {
  return a.uid == b.uid && a.service.ns == b.service.ns && a.service.name == b.service.name && a.service.port == b.service.port &&
         a.ca_bundle == b.ca_bundle && a.insecure == b.insecure && a.group == b.group && a.version == b.version && a.priority == b.priority;
}

RemotePtr Routes::find(std::string_view path) const {
  if (empty()) return nullptr;
  const std::string_view root = path.starts_with("/apis/") ? beginning(path, 3) : path.starts_with("/api/") ? beginning(path, 2) : std::string_view();
  if (root.empty()) return nullptr;
  SharedThreadLock lock(mutex_);
  const auto found = by_root_.find(root);
  return found == by_root_.end() ? nullptr : found->second;
}

void Routes::set(const std::string& name, RemotePtr remote) {
  ExclusiveThreadLock lock(mutex_);
  if (const auto before = by_name_.find(name); before != by_name_.end()) {
    by_root_.erase(before->second->root());
    by_name_.erase(before);
  }
  if (remote) {
    by_root_[remote->root()] = remote;
    by_name_[name] = std::move(remote);
  }
  count_.store(by_root_.size(), std::memory_order_release);
}

std::vector<RemotePtr> Routes::all() const {
  SharedThreadLock lock(mutex_);
  std::vector<RemotePtr> out;
  for (const auto& [name, remote] : by_name_) out.push_back(remote);
  return out;
}

}  // namespace pintle::apiserver::aggregation
