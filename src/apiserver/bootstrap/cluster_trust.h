// ClusterTrust: by whose signatures this server knows its clients and its front proxies, told to aggregated servers in the ConfigMap
// kube-system/extension-apiserver-authentication.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"

namespace pintle::apiserver::bootstrap {

constexpr const char* trust_namespace = "kube-system";
constexpr const char* trust_name = "extension-apiserver-authentication";

struct ClusterTrust {
  std::string client_ca_pem;       // "": clients' certificates are not known
  std::string front_proxy_ca_pem;  // "": no front proxy is known, and nothing of the following is told
  std::vector<std::string> username_headers;
  std::vector<std::string> uid_headers;
  std::vector<std::string> group_headers;
  std::vector<std::string> extra_header_prefixes;
  std::vector<std::string> allowed_names;

  bool empty() const { return client_ca_pem.empty() && front_proxy_ca_pem.empty(); }
};

// Brings the map up to date, as several servers of one cluster keep it: what is told there already and what this one has to tell together;
// certificates that have expired, and entries that cannot be read, go. True: it changed. `now`: seconds since 1970.
bool complete(api::core_v1::ConfigMap& map, const ClusterTrust& trust, int64_t now);

}  // namespace pintle::apiserver::bootstrap
