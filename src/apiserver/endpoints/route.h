// Route: what a request on a resource's path carries out. This is the one place that knows which methods each form of a
// path has; nothing after it looks at the method again. As upstream registers its paths:
//
//   form of the path                        methods              verbs
//   RESOURCE                                GET POST DELETE      list watch create deletecollection
//   RESOURCE, over all namespaces           GET                  list watch
//   RESOURCE/NAME                           GET PUT PATCH DELETE get update patch delete
//   RESOURCE/NAME/SUBRESOURCE               those it serves      get create update patch
//   RESOURCE/NAME/proxy[/PATH...]           each but CONNECT     the method's, "" for OPTIONS
//   watch/RESOURCE, watch/RESOURCE/NAME     GET                  watch
//   proxy/...                               none
//
// A path that has no method at all is not found (404); one that has others is not allowed (405).
#pragma once

#include "apimachinery/discovery/served_resources.h"
#include "apiserver/registry/installed_registry.h"
#include "apiserver/types/request_info.h"

namespace pintle::apiserver::endpoints {

struct Route {
  apimachinery::Verbs verb = 0;                                  // one; 0: a connection by OPTIONS
  const apimachinery::ServedSubresource* subresource = nullptr;  // nullptr: the resource itself
  bool connect = false;                                          // it leads out of this server
  std::string_view verb_name() const;
};

// NotFound, MethodNotAllowed, or BadRequest for a subresource of no name.
Result<Route> find_route(const RequestInfo& info, std::string_view method, const registry::InstalledRegistry::Found& found);

}  // namespace pintle::apiserver::endpoints
