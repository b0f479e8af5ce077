// Which names and addresses a node's serving certificate may carry. Pure.
//
// A node writes its own status, so what it reports of itself proves little: it may say that it is the API server, a service or
// another node. Names of those are never signed for; an address that two nodes report belongs to the older one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/ip_address.h"
#include "component/certificate/certificate.h"

namespace pintle::controller::csr {

struct ServingNameRules {
  // Names and addresses of the API server, ranges of services, as options give them; addresses by value.
  ServingNameRules(const std::vector<std::string>& reserved_names, const std::vector<std::string>& service_cidrs);

  std::vector<std::string> names;  // in lower case
  std::vector<IpAddress> addresses;
  std::vector<IpPrefix> ranges;
};

struct NameFault {
  std::string why;
  bool forbidden = false;  // for whoever asks; false: the nodes' statuses may come to allow it
};

// What a node is found by, for whoever asks for a name or an address: its own name, and what it reports.
std::vector<std::string> names_of(const api::core_v1::Node& node);
// The same of what the request asks for.
std::vector<std::string> names_of(const component::CertificateInfo& request);

// What is wrong with the names that node `name` asks for; nullopt: nothing. `nodes`: it, and all that share one of the request's names_of().
std::optional<NameFault> serving_name_fault(const std::string& name, const component::CertificateInfo& request,
                                            const std::vector<std::shared_ptr<const api::core_v1::Node>>& nodes, const ServingNameRules& rules);

}  // namespace pintle::controller::csr
