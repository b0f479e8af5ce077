// ReferencedObjects: the ConfigMaps and Secrets that the pods of this node refer to, each followed by a watch of that one
// object for as long as a pod needs it. Immutable ones are read once. Belongs to one executor.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "client/client.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::kubelet::referenced_objects {

using ConfigMapPtr = std::shared_ptr<const api::core_v1::ConfigMap>;
using SecretPtr = std::shared_ptr<const api::core_v1::Secret>;

// The names that a pod's containers and volumes refer to, in its namespace.
struct ObjectNames {
  std::set<std::string> config_maps;
  std::set<std::string> secrets;  // image pull secrets too
};
ObjectNames referenced_names(const api::core_v1::Pod& pod);

class ReferencedObjects {
 public:
  virtual ~ReferencedObjects() = default;
  // Follows what the pod refers to; called again when the pod changed (ephemeral containers).
  virtual void add_pod(const api::core_v1::Pod& pod) = 0;
  virtual void remove_pod(std::string_view uid) = 0;
  // The newest state that is known; waits for the first answer about it. NotFound with the API server's message
  // (`configmap "x" not found`). What no pod refers to is asked for once.
  virtual rt::Task<Result<ConfigMapPtr>> config_map(rt::Context ctx, std::string namespace_name, std::string name) = 0;
  virtual rt::Task<Result<SecretPtr>> secret(rt::Context ctx, std::string namespace_name, std::string name) = 0;
  // Told of each change (the first state, later ones, deletion) to an object that the pods with these UIDs refer to.
  virtual void on_change(std::function<void(const std::vector<std::string>& pod_uids)> listener) = 0;
  virtual rt::Task<void> stop() = 0;
};

// `client` outlives it.
std::unique_ptr<ReferencedObjects> make_referenced_objects(client::Client& client);

}  // namespace pintle::kubelet::referenced_objects
