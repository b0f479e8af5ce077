// Routes: which group versions other servers serve, by the APIServices that name a service. Thread-safe; asked at every request.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/apiregistration_v1.h"
#include "apimachinery/discovery/priority.h"
#include "apiserver/callout/service_resolver.h"
#include "base/mutex.h"

namespace pintle::apiserver::aggregation {

// What an APIService says of a group version that another server serves. Constant.
struct Remote {
  std::string name;  // of the APIService
  std::string uid;
  std::string group, version;
  apimachinery::DiscoveryPriority priority;
  callout::ServiceName service;
  std::string ca_bundle;  // PEM; "": the system's authorities
  bool insecure = false;
  bool available = false;  // as its status says
  // The paths that it serves: "/apis/<group>/<version>", "/api/<version>".
  std::string root() const { return group.empty() ? "/api/" + version : "/apis/" + group + "/" + version; }
};
using RemotePtr = std::shared_ptr<const Remote>;

// nullptr: this server serves it itself.
RemotePtr remote_of(const api::apiregistration_v1::APIService& service);
// Whether requests go the same way by both.
bool same_way(const Remote& a, const Remote& b);

class Routes {
 public:
  // Who serves a path (decoded): that of a group version or below it. nullptr: this server. Costs one read of a counter while there is no remote.
  RemotePtr find(std::string_view path) const;
  // nullptr: none by this name any more.
  void set(const std::string& name, RemotePtr remote);
  std::vector<RemotePtr> all() const;
  bool empty() const { return count_.load(std::memory_order_acquire) == 0; }

 private:
  std::atomic<std::size_t> count_ = 0;
  mutable SharedThreadMutex mutex_;
  std::map<std::string, RemotePtr, std::less<>> by_root_ GUARDED_BY(mutex_);
  std::map<std::string, RemotePtr, std::less<>> by_name_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::aggregation
