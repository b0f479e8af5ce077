// kube-apiserver as a command: flags → options → server.
#pragma once

#include <span>

#include "apiserver/types/options.h"
#include "base/status.h"
#include "component/flags.h"

namespace pintle::cmd {

// What the flags say. BadRequest with one clear line for values that do not go together.
Result<apiserver::ApiServerOptions> api_server_options(const component::FlagSet& flags);
// Those that the command line names, over what `options` hold already.
Result<Unit> take_given_flags(const component::FlagSet& flags, apiserver::ApiServerOptions& options);
// Runs until SIGINT or SIGTERM; the exit status.
int run_kube_apiserver(std::span<const char* const> args);

}  // namespace pintle::cmd
