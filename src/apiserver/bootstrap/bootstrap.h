// Bootstrap: what a server finds or makes at its first start: namespaces, roles and bindings, flow control, priority
// classes, API services, the kubernetes service. It makes what is missing, completes RBAC's defaults, removes nothing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/object.h"
#include "apiserver/bootstrap/cluster_trust.h"
#include "apiserver/types/resource_reader.h"
#include "base/status.h"
#include "rt/clock.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::apiserver::bootstrap {

// The server's own writes: no admission, no managed fields, no authorization. Called by many tasks at once, so that one
// commit can carry many creates.
class Writer {
 public:
  virtual ~Writer() = default;
  // `ns` "" for cluster scope. AlreadyExists is no failure of bootstrap.
  virtual rt::Task<Result<Unit>> create(rt::Context ctx, GroupResource resource, std::string ns, api::Object object) = 0;
  // Changes the stored object, subresource "" or "status"; called again after a conflict. Nothing is written when the
  // mutation changes nothing.
  virtual rt::Task<Result<Unit>> update(rt::Context ctx, GroupResource resource, std::string ns, std::string name, std::string subresource,
                                        std::function<Result<Unit>(api::Object&)> mutation) = 0;
};

// The label of APIServices that servers keep, and what it says of those that are made at the start.
constexpr const char* automanaged_label = "kube-aggregator.kubernetes.io/automanaged";
constexpr const char* automanaged_on_start = "onstart";

struct Config {
  std::vector<std::string> service_cidrs;  // of --service-cluster-ip-range
  std::string kubernetes_service_ip;       // the first address of the first range
  std::string advertise_address;           // "" or loopback: no endpoints are published
  uint16_t secure_port = 6443;
  ClusterTrust trust;  // for aggregated API servers
  // Group and version of what this server serves by itself: an APIService each.
  std::vector<std::pair<std::string, std::string>> group_versions;
  int64_t now_seconds = 0;
};

// An object to be there. `complete` brings a stored one up to date (true: it changed); empty: as found is good.
struct Wanted {
  GroupResource resource;
  std::string ns;
  std::string name;
  api::Object object;
  std::function<bool(api::Object& stored)> complete;
  std::function<bool(api::Object& stored)> complete_status;
};
// Those that must be there before the API serves, and those that rest on them (the kubernetes service on its address range).
std::vector<Wanted> first_objects(const Config& config);
std::vector<Wanted> second_objects(const Config& config);

// The ConfigMap that says since when the use of tokens kept in Secrets has been noted: since today.
api::core_v1::ConfigMap token_tracking_map(int64_t now_seconds);

// Makes sure that all of it is there; the first failure is answered. Reader and writer outlive the task.
rt::Task<Result<Unit>> ensure(rt::Context ctx, const ResourceReader& reader, Writer& writer, Config config);

}  // namespace pintle::apiserver::bootstrap
