// csi-local as a command: a CSI driver for volumes on this node's own disks.
#pragma once

#include <span>

namespace pintle::cmd {

// Runs until SIGINT or SIGTERM; the exit status.
int run_csi_local(std::span<const char* const> args);

}  // namespace pintle::cmd
