// Exchange: one request being served, from its first byte to its last. Lives in the serving task's frame.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/authorization/authorizer.h"
#include "apiserver/endpoints/query.h"
#include "apiserver/registry/request_scope.h"
#include "apiserver/request_info.h"
#include "net/http.h"

namespace pintle::apiserver {

struct Exchange {
  rt::Context ctx;
  net::Request& request;
  net::ResponseWriter& writer;
  RequestInfo info;
  Query query;
  RequestScope scope;          // user, namespace, warnings ... for the registry
  int status = 0;              // that was answered; 0: nothing yet
  std::size_t answered_bytes = 0;
  // What the authorizer allowed, for this user. Dispatch carries out this and nothing else.
  std::optional<AuthorizationAttributes> authorized = std::nullopt;
};

}  // namespace pintle::apiserver
