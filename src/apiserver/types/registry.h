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

  // An object of a resource, in the version `from` ("apps/v1"), in the version `to`, both its own: as admission shows it to whoever asks for
  // that one. NotFound: it has no such version. A definition's webhook may be asked.
  virtual rt::Task<Result<api::Object>> convert(rt::Context ctx, GroupResource resource, api::Object object, std::string from, std::string to) = 0;
  struct ObjectName {
    std::string ns, name;
  };
  // Those of them that there are, as the watch caches have them, in the version `in` ("apps/v1"). NotFound: there is no such resource, or it has no
  // such version. A definition's webhook may be asked.
  virtual rt::Task<Result<std::vector<api::Object>>> read_in(rt::Context ctx, GroupResource resource, std::vector<ObjectName> names,
                                                             std::string in) = 0;
};

}  // namespace pintle::apiserver
