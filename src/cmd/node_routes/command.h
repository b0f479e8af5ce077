// node-routes as a command: connects this node to the pods of the others, in any cluster whose nodes have pod CIDRs.
#pragma once

#include <span>

namespace pintle::cmd {

// Runs until SIGINT or SIGTERM; the exit status.
int run_node_routes(std::span<const char* const> args);

}  // namespace pintle::cmd
