// A control plane for tests: the API server and the controller manager in one simulated process, and hollow kubelets that
// run what is bound to them (pods without a node are bound to node-0: there is no scheduler here).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apiserver/testing/in_process.h"
#include "client/kubeconfig.h"
#include "controller/manager.h"
#include "rt/testing.h"

namespace pintle::controller::testing {

struct ClusterOptions {
  std::vector<std::string> controllers = {"*"};
  ControllerOptions options;
  bool hollow = true;  // pods become Running and Ready, and go when they are told to
};

class Cluster {
 public:
  static rt::Task<std::unique_ptr<Cluster>> start(rt::Runtime& runtime, ClusterOptions options);
  rt::Task<void> stop();
  // The controllers alone.
  rt::Task<void> stop_controllers();
  void start_controllers();
  client::Client& client() { return *client_; }
  // Another user's; close() it before stop().
  std::unique_ptr<client::Client> client_of(const std::string& user);
  // Creates from JSON; fails the test when it is refused.
  rt::Task<void> create(std::string path, std::string json);
  rt::Task<codec::Value> get(std::string path);
  // Waits (in simulated time) until `holds`; fails the test after `limit`.
  rt::Task<void> eventually(std::string what, std::function<rt::Task<bool>()> holds);
  // The number of items of a list.
  rt::Task<std::size_t> count(std::string path);
  // The text at a dotted path of an object; "" if there is none.
  rt::Task<std::string> at(std::string path, std::string field);

 private:
  rt::Task<void> run_pod(std::shared_ptr<const api::core_v1::Pod> pod);

  rt::Runtime* runtime_ = nullptr;
  ClusterOptions options_;
  std::unique_ptr<apiserver::testing::InProcessServer> server_;
  std::unique_ptr<client::Client> client_;
  std::unique_ptr<client::Client> manager_client_;
  std::unique_ptr<ControllerManager> manager_;
  std::unique_ptr<client::Informers> informers_;
  std::unique_ptr<rt::TaskGroup> tasks_;
  int addresses_ = 1;
};

// Runs `scenario` on a cluster of that seed.
void with_cluster(ClusterOptions options, std::function<rt::Task<void>(Cluster&)> scenario, uint64_t seed = 1);

}  // namespace pintle::controller::testing
