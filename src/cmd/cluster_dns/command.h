// pintle cluster-dns: the cluster's DNS server alone.
#pragma once

#include <span>

namespace pintle::cmd {

// `args` without the program's name. The exit status.
int run_cluster_dns(std::span<const char* const> args);

}  // namespace pintle::cmd
