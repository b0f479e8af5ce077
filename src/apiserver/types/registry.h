// Registry: the in-process door to every installed resource, for strategies, actions and admission: the same generic
// store that serves clients, with typed objects in the storage version.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/object.h"
#include "apiserver/types/request_scope.h"
#include "apiserver/types/resource_reader.h"
#include "base/status.h"
#include "rt/task.h"

namespace pintle::apiserver {

// Changes an object in place; called again with the newest state after a conflict. An error ends the update with it.
using Mutation = std::function<Result<Unit>(api::Object&)>;

class Registry {
 public:
  virtual ~Registry() = default;
  virtual ResourceReader& reader() = 0;
  // What is served of a kind; nullopt: nothing, or nobody can say.
  struct OfKind {
    GroupResource resource;
    bool namespaced = false;
  };
  virtual std::optional<OfKind> resource_of(const api::GroupVersionKind&) const { return std::nullopt; }

  // As the server itself: no admission, no managed fields; strategies and validation run. `scope` lends its context,
  // dry run and time. A write that would change nothing is not made.
  virtual rt::Task<Result<api::Object>> get(RequestScope& scope, GroupResource resource, std::string ns, std::string name) = 0;
  virtual rt::Task<Result<api::Object>> create(RequestScope& scope, GroupResource resource, std::string ns, api::Object object) = 0;
  // With `subresource` "status" the mutation may change what that part allows; "*": anything, unvalidated (binding).
  virtual rt::Task<Result<api::Object>> update(RequestScope& scope, GroupResource resource, std::string ns, std::string name, std::string subresource,
                                               Mutation mutation) = 0;
  struct RemoveOptions {
    int64_t grace_period_seconds = -1;  // -1: the resource's default
    std::string uid;                    // precondition; "": none
    std::string resource_version;
    std::optional<bool> orphan_dependents;
    std::string propagation_policy;  // "": the resource's default
  };
  // The last state.
  virtual rt::Task<Result<api::Object>> remove(RequestScope& scope, GroupResource resource, std::string ns, std::string name,
                                               RemoveOptions options) = 0;
};

}  // namespace pintle::apiserver
