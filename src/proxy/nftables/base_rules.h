// The parts of table kube-proxy that do not belong to a service.
#pragma once

#include <span>
#include <string_view>

#include "proxy/nftables/rules.h"

namespace pintle::proxy::nftables {

struct ContainerSpec {
  Container container;
  std::string_view name;
  bool map;                      // else a set
  std::string_view key_type_ip;  // types after the address, "" if there are none
  bool key_has_address;
  std::string_view comment;
};
const ContainerSpec& container_spec(Container container);
std::span<const ContainerSpec> container_specs();

struct BaseChain {
  std::string_view name;
  std::string_view declaration;  // "type nat hook output priority -100 ;"
};
std::span<const BaseChain> base_chains();

// "ip kube-proxy" or "ip6 kube-proxy".
std::string_view table_of(Family family);

// The rules of the table's own chains (hooked or not), and the addresses that serve node ports.
Rules plan_base(const RulesConfig& config);

}  // namespace pintle::proxy::nftables
