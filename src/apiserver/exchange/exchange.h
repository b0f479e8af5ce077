// Exchange: one request being served, from its first byte to its last. Lives in the serving task's frame.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/authorization/authorizer.h"
#include "apiserver/fairness/budget.h"
#include "apiserver/types/query.h"
#include "apiserver/types/request_info.h"
#include "apiserver/types/request_scope.h"
#include "base/bytes.h"
#include "net/http.h"

namespace pintle::apiserver::endpoints {
class Place;
}  // namespace pintle::apiserver::endpoints

namespace pintle::apiserver::exchange {

struct Exchange {
  rt::Context ctx;
  net::Request& request;
  net::ResponseWriter& writer;
  RequestInfo info;
  Query query;
  RequestScope scope;  // user, namespace, warnings ... for the registry
  int status = 0;      // that was answered; 0: nothing yet
  std::size_t answered_bytes = 0;
  // What the authorizer allowed, for this user. Dispatch carries out this and nothing else.
  std::optional<authorization::AuthorizationAttributes> authorized = std::nullopt;
  std::optional<Bytes> body = std::nullopt;  // read before the request takes a seat; nullopt: streamed by whoever serves it, or none
  endpoints::Place* place = nullptr;         // held while it is served; a watch gives it up early
  fairness::Budget::Hold body_hold = {};     // what the body counts for, until the request is over
};

}  // namespace pintle::apiserver::exchange
