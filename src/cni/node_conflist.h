// NodeConflist: writes the node's CNI configuration as soon as the Node object has its pod CIDRs, and again when they
// change; the runtime watches the folder. Belongs to one executor.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "client/client.h"
#include "cni/conflist.h"
#include "rt/runtime.h"

namespace pintle::cni {

struct NodeConflistSetup {
  rt::Runtime& runtime;
  client::Client& client;
  std::string node_name;
  std::string conf_dir;       // made if it is not there
  ConflistSettings settings;  // pod_cidrs are the Node's
};

class NodeConflist {
 public:
  explicit NodeConflist(NodeConflistSetup setup);
  ~NodeConflist();
  NodeConflist(const NodeConflist&) = delete;
  NodeConflist& operator=(const NodeConflist&) = delete;

  void start();
  // Until the configuration is there.
  rt::Task<Result<Unit>> wait_written(rt::Context ctx);
  rt::Task<void> stop();
  // CONF_DIR/10-NAME.conflist
  std::string path() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pintle::cni
