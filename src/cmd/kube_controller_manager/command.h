// kube-controller-manager as a command: flags → options → manager, with its lease and its secure port.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "component/flags.h"
#include "controller/framework/controller.h"
#include "net/client.h"
#include "rt/runtime.h"

namespace pintle::cmd {

// What the flags say of the controllers; reads the files that they name. BadRequest with one clear line.
Result<controller::ControllerOptions> controller_options(rt::Disk& disk, const component::FlagSet& flags);
// The certificates, as PEM, of the authorities that a connection trusts; "": those of the system.
Result<std::string> trusted_authority(rt::Disk& disk, const net::ClientOptions& tls);
// What --controllers and --enable-garbage-collector say, as a list of --controllers.
std::vector<std::string> selected_controllers(const component::FlagSet& flags);
// What the flags say, as KubeControllerManagerConfiguration: JSON as upstream's /configz gives it.
std::string controller_manager_configuration(const component::FlagSet& flags);
// Runs until SIGINT or SIGTERM, or until the lease is lost; the exit status.
int run_kube_controller_manager(std::span<const char* const> args);

}  // namespace pintle::cmd
