#include "apiserver/resources/networking/networking.h"

#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {

void add_networking(Definitions& out) {
  for (auto definition : {ingress_classes, ingresses, ip_addresses, network_policies, service_cidrs}) out.push_back(definition());
}

}  // namespace pintle::apiserver::resources
