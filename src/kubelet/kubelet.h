// Kubelet: the node agent, everything wired. Made, started and stopped on one executor, where all of it runs; stop() leaves pods
// running, and the next start adopts them.
#pragma once

#include <memory>

#include "base/status.h"
#include "client/client.h"
#include "kubelet/options.h"
#include "rt/runtime.h"

namespace pintle::kubelet {

struct KubeletDeps {
  rt::Runtime& runtime;
  client::Client* client = nullptr;  // nullptr: no API server, static pods alone
};

class Kubelet {
 public:
  Kubelet(KubeletDeps deps, KubeletOptions options);
  ~Kubelet();
  Kubelet(const Kubelet&) = delete;
  Kubelet& operator=(const Kubelet&) = delete;

  // Connects to the runtime (waiting for it), adopts what runs, follows the pods of the node, and registers the node.
  rt::Task<Result<Unit>> start();
  // Ends the kubelet's work; pods go on. Without any, also after a start that failed, the root is no mount any more if start() made it
  // one. Await it before the destructor.
  rt::Task<void> stop();

  // shutdownGracePeriod is configured: pods are to be ended before the machine goes down.
  bool has_shutdown() const;
  // Ends them, by priority, each group within its time; takes no new ones. Between start() and stop().
  rt::Task<void> shut_down_pods(rt::Context ctx);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pintle::kubelet
