// What a request to the kubelet's server is about, for authorization: the node's subresource that stands for its path.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pintle::kubelet::server {

struct RequestAttributes {
  std::string verb;                       // "get", "create" ...; "": a method without one
  std::vector<std::string> subresources;  // of nodes; one of them is enough
};
RequestAttributes request_attributes(std::string_view method, std::string_view path);

}  // namespace pintle::kubelet::server
