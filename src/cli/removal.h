// The steps of `pintle uninstall` that concern this machine: each does what is left to do, so that one that was
// interrupted is finished by the next.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "base/status.h"
#include "cli/installation.h"
#include "cli/layout.h"
#include "rt/runtime.h"

namespace pintle::cli {

// The process that holds the data folder's lock; 0: nobody does.
int running_process(const Layout& layout);
// Asks it to stop and waits. Timeout after two minutes.
rt::Task<Result<Unit>> stop_running(Layout layout);
// Stops and removes every pod of the runtime, with its network; how many there were. Starts our containerd for it.
rt::Task<Result<std::size_t>> remove_pods(rt::Runtime& runtime, Layout layout, Installation installation);
// Ends what still runs in the pods' control groups, and removes these.
rt::Task<Result<Unit>> remove_cgroups(Installation installation);
// Ends shims of our containerd that no control group led to.
void end_shims(rt::Disk& disk, const Layout& layout);
// Removes the bridge of the pods.
Result<Unit> remove_bridge();
// Makes the kubelet's folder if it is not there, and notes that it is ours to remove.
Result<Unit> claim_kubelet_root(rt::Disk& disk, const std::string& root);
// Unmounts all below the data folder and the kubelet's, then removes them, the pods' logs and the administrator's kubeconfig. A kubelet's folder
// that was there before us keeps its files.
Result<Unit> remove_files(rt::Disk& disk, const Layout& layout, const Installation& installation);

}  // namespace pintle::cli
