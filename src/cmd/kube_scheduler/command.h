// kube-scheduler as a command: flags and configuration file → scheduler.
#pragma once

#include <span>

namespace pintle::cmd {

// Runs until SIGINT or SIGTERM, or until leadership is lost; the exit status.
int run_kube_scheduler(std::span<const char* const> args);

}  // namespace pintle::cmd
