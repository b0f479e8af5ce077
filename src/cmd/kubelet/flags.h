// The table of the kubelet's flags.
#pragma once

#include <span>
#include <string_view>

#include "component/flags.h"

namespace pintle::cmd {

struct FieldOfFlag {
  std::string_view flag;
  std::string_view field;  // of a KubeletConfiguration: "authentication.x509.clientCAFile"
};
std::span<const component::FlagSpec> kubelet_flags();
std::span<const FieldOfFlag> kubelet_fields();

}  // namespace pintle::cmd
