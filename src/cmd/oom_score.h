// The OOM score of this process, as the configurations of the kubelet and kube-proxy ask for it.
#pragma once

#include <string>

#include "component/log.h"
#include "os/read_file.h"

namespace pintle::cmd {

// -1000 (never killed) to 1000. Lowering it needs a privilege; without it a warning is all that happens.
inline void set_oom_score(int32_t score) {
  if (const auto written = os::write_file("/proc/self/oom_score_adj", std::to_string(score)); !written)
    component::log::warning("Cannot change the OOM score", {{"err", written.error().message}});
}

}  // namespace pintle::cmd
