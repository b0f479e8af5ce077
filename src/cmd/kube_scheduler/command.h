// kube-scheduler as a command: flags and configuration file → scheduler.
#pragma once

#include <span>

#include "component/flags.h"
#include "rt/file.h"
#include "scheduler/config/config.h"

namespace pintle::cmd {

// --config holds everything that the deprecated flags say; the election flags outweigh it. BadRequest names the file and the field.
Result<scheduler::config::SchedulerConfig> scheduler_configuration(rt::Disk& disk, const component::FlagSet& flags);
// Runs until SIGINT or SIGTERM, or until leadership is lost; the exit status.
int run_kube_scheduler(std::span<const char* const> args);

}  // namespace pintle::cmd
