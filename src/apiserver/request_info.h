// RequestInfo: what a request is about, read from its method and path alone, as upstream's RequestInfoFactory does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::apiserver {

struct RequestInfo {
  bool is_resource = false;
  std::string path;             // decoded, without the query
  std::string verb;             // get list watch create update patch delete deletecollection proxy; the HTTP method in lower case if !is_resource
  std::string api_prefix;       // "api" or "apis"
  std::string group;            // "" for the core group
  std::string version;
  std::string ns;
  std::string resource;
  std::string subresource;
  std::string name;
  std::vector<std::string> parts;   // of the path from the resource on
  std::string label_selector;   // as given; authorization may use them
  std::string field_selector;
};

// `path` percent-encoded, `query` without '?'. BadRequest if the encoding is broken.
Result<RequestInfo> parse_request_info(std::string_view method, std::string_view path, std::string_view query);

}  // namespace pintle::apiserver
