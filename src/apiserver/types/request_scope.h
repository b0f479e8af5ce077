// RequestScope: what a strategy's hooks may know of the request they serve.
#pragma once

#include <string>
#include <vector>

#include "api/object.h"
#include "apiserver/types/user_info.h"
#include "rt/clock.h"
#include "rt/context.h"
#include "rt/runtime.h"

namespace pintle::apiserver::authorization::rbac {
struct EscalationCheck;
}  // namespace pintle::apiserver::authorization::rbac

namespace pintle::apiserver {

class Registry;
struct ApiServerOptions;

// Outlives the request's task; hooks keep no pointer to it.
struct RequestScope {
  rt::Context ctx = rt::Context::background();
  rt::WallTime now{};
  UserInfo user;
  std::string ns;     // "" for cluster scope
  std::string name;   // "" on create with generateName and on collections
  std::string group;  // as addressed
  std::string version;
  std::string resource;
  std::string subresource;
  api::Object operation_options;  // CreateOptions, UpdateOptions or DeleteOptions, for admission; empty: none
  bool dry_run = false;
  bool unlabelled = false;            // a new object came without labels, of its client or of who changed it last: its labels are defaults
  bool internal = false;              // the server's own write: no admission, no managed fields
  std::string field_manager;          // from the parameter or the user agent; "" for internal writes
  std::vector<std::string> warnings;  // answered as Warning headers
  Registry* registry = nullptr;       // never nullptr in a hook
  rt::Runtime* runtime = nullptr;
  const ApiServerOptions* options = nullptr;
  const authorization::rbac::EscalationCheck* escalation = nullptr;  // nullptr: rights handed out are not checked
};

}  // namespace pintle::apiserver
