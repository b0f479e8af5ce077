// RequestInfo: what a request is about, read from its method, path and query alone, as upstream's RequestInfoFactory does.
// It is what gets authorized, and endpoints/route.h finds what is carried out from it and from nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::apiserver {

class Query;

// What stands between the version and the resource of a path.
enum class PathPrefix : uint8_t { None, Watch, Proxy };
// How much of an object a resource's path names. Longer: more than a subresource.
enum class PathForm : uint8_t { Collection, Item, Subresource, Longer };

struct RequestInfo {
  bool is_resource = false;
  std::string path;  // decoded, without the query
  std::string
      verb;  // get list watch create update patch delete deletecollection proxy, "" for another method; the HTTP method in lower case if !is_resource
  std::string api_prefix;  // "api" or "apis"
  std::string group;       // "" for the core group
  std::string version;
  std::string ns;
  std::string resource;
  std::string subresource;
  std::string name;                // from the path; of a list or watch, what its field selector demands
  std::vector<std::string> parts;  // of the path from the resource on
  std::string label_selector;      // as given; authorization may use them
  std::string field_selector;

  PathPrefix prefix = PathPrefix::None;
  PathForm form = PathForm::Collection;
  bool in_namespace = false;  // namespaces/NAME/ stands before the resource
};

// `path` percent-encoded. BadRequest if the encoding is broken, or the path ends after "watch" or "proxy".
Result<RequestInfo> parse_request_info(std::string_view method, std::string_view path, const Query& query);

}  // namespace pintle::apiserver
