// The two kinds that this controller serves, seen as ReplicaSets: reading, and writing their status.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/gen/apps_v1.h"
#include "controller/framework/controller.h"

namespace pintle::controller::replicaset {

using SetPtr = std::shared_ptr<const api::apps_v1::ReplicaSet>;

class ReplicaKind {
 public:
  virtual ~ReplicaKind() = default;
  std::string api_version;
  std::string kind;
  std::string group;
  std::string queue;  // as metrics name it
  virtual SetPtr get(std::string_view key) const = 0;
  // Those whose selector may select a pod with these labels.
  virtual std::vector<SetPtr> perhaps_selecting(std::string_view namespace_name, const FlatMap<std::string>& labels) const = 0;
  virtual std::vector<SetPtr> controlled_by(std::string_view owner_uid) const = 0;
  // `changed` is told of every set that was added, changed or deleted (the last with `gone`).
  virtual void on_change(std::function<void(const api::apps_v1::ReplicaSet& set, bool gone)> changed) = 0;
  virtual rt::Task<Result<api::apps_v1::ReplicaSet>> fresh(rt::Context ctx, std::string namespace_name, std::string name) = 0;
  // Writes `status` onto the set of that resource version.
  virtual rt::Task<Result<Unit>> write_status(rt::Context ctx, api::apps_v1::ReplicaSet set, api::apps_v1::ReplicaSetStatus status) = 0;
};

std::unique_ptr<ReplicaKind> replicaset_kind(ControllerDeps& deps);
std::unique_ptr<ReplicaKind> replication_controller_kind(ControllerDeps& deps);

}  // namespace pintle::controller::replicaset
