// NodeCredentials: what Docker's files on this node hold, for every pod: config.json in the kubelet's root folder, the working directory,
// $HOME/.docker and /.docker, else .dockercfg in the root folder, the working directory, $HOME and /. The first that can be read counts.
// Belongs to one executor.
#pragma once

#include <string>
#include <vector>

#include "kubelet/images/credentials.h"
#include "rt/runtime.h"

namespace pintle::kubelet::images {

class NodeCredentials {
 public:
  // `home`: "": there is none.
  NodeCredentials(rt::Runtime& runtime, std::string root_dir, std::string home);
  // The file's content, read anew after five minutes.
  rt::Task<std::vector<RegistryCredential>> all();

 private:
  struct Place {
    std::string path;
    bool under_auths;
  };
  std::vector<RegistryCredential> read() const;

  rt::Runtime& runtime_;
  std::vector<Place> places_;
  std::vector<RegistryCredential> known_;
  std::optional<rt::TimePoint> read_at_;
};

}  // namespace pintle::kubelet::images
