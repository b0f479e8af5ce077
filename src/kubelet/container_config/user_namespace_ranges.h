// UserNamespaceRanges: which ids of the machine a pod with a user namespace of its own (hostUsers: false) has. Each pod has a range that no
// other has, written into the pod's directory in upstream's form, so that a restart finds it; it is free again when the directory is
// gone. Callable from any thread; calls block for small files.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/status.h"
#include "kubelet/container_config/container_config.h"
#include "kubelet/types/paths.h"
#include "rt/file.h"

namespace pintle::kubelet::container_config {

struct UserNamespaceOptions {
  uint32_t ids_per_pod = 65536;  // userNamespaces.idsPerPod: a multiple of 65536
  uint32_t pods_max = 110;       // then pods wait for a range
};

class UserNamespaceRanges {
 public:
  // `disk` outlives it.
  UserNamespaceRanges(rt::Disk& disk, Paths paths, UserNamespaceOptions options);

  // The pod's range: the one that it has, else the lowest that is free. TooManyRequests: all are taken.
  Result<UserNamespaceRange> range_of(const std::string& pod_uid);

 private:
  void learn();
  void forget_gone();
  std::string file_of(const std::string& pod_uid) const { return paths_.pod(pod_uid) + "/userns"; }

  rt::Disk& disk_;
  const Paths paths_;
  const UserNamespaceOptions options_;
  std::mutex mutex_;                                 // of what follows
  std::map<std::string, UserNamespaceRange> taken_;  // by the pod's uid
  bool learnt_ = false;
};

}  // namespace pintle::kubelet::container_config
