// What a configuration file of the kubelet or kube-proxy says about the log.
#pragma once

#include "api/gen/logs_v1.h"
#include "component/log.h"

namespace pintle::cmd {

inline component::log::Options log_options(const api::logs_v1::LoggingConfiguration& config) {
  component::log::Options out;
  out.verbosity = static_cast<int>(config.verbosity);
  out.format = config.format == "json" ? component::log::Format::Json : component::log::Format::Text;
  for (const auto& item : config.vmodule) out.vmodule.push_back({item.file_pattern, static_cast<int>(item.verbosity)});
  return out;
}

}  // namespace pintle::cmd
