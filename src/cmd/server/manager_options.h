// What `pintle server` tells its controllers: kube-controller-manager's own flags, set from the cluster's configuration, and
// on top of them those of --kube-controller-manager-arg.
#pragma once

#include <string>
#include <vector>

#include "cli/cluster_config.h"
#include "cli/layout.h"
#include "controller/framework/controller.h"
#include "rt/file.h"

namespace pintle::cmd {

struct ManagerOptions {
  controller::ControllerOptions controllers;
  std::vector<std::string> selected;        // as in --controllers
  std::vector<std::string> without_effect;  // flags that were given and do nothing yet
};

// Reads nothing. BadRequest in one clear line: no such flag, a bad value, or one that `pintle server` settles itself.
Result<Unit> check_manager_arguments(const cli::ClusterConfig& config);
// The certificates of `layout` are there, and the arguments were checked.
Result<ManagerOptions> manager_options(rt::Disk& disk, const cli::ClusterConfig& config, const cli::Layout& layout);

}  // namespace pintle::cmd
