// SliceWiper: takes the ResourceSlices of this node out of the cluster while nobody is there who could prepare their devices, so that no pod
// is sent here for them: all of them when the kubelet starts (drivers publish theirs again when they have registered), those of a driver when
// it has been gone for a time. Belongs to the kubelet's executor.
#pragma once

#include <map>
#include <string>

#include "client/client.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::dynamic_resources {

class SliceWiper {
 public:
  // `client` nullptr: there is no API server, and nothing is done.
  SliceWiper(rt::Runtime& runtime, client::Client* client, std::string node_name)
      : runtime_(runtime), client_(client), node_name_(std::move(node_name)) {}

  void start();
  rt::Task<void> stop();
  // The Node is there: before that it has no slices that could be told from another's.
  void node_known() { known_.set(); }
  // The driver's slices go after `delay`, unless it is kept before. No effect while that is under way.
  void wipe_later(const std::string& driver, rt::Duration delay);
  void keep(const std::string& driver);

 private:
  rt::Task<void> wipe_after(rt::Context ctx, std::string driver, rt::Duration delay);
  rt::Task<void> wipe(rt::Context ctx, std::string driver);

  rt::Runtime& runtime_;
  client::Client* client_;
  const std::string node_name_;
  rt::Event known_;
  std::map<std::string, rt::Context> pending_;  // by driver
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::dynamic_resources
