// Changes: what happens in one part of the kubelet and concerns another. The parts tell it here; Kubelet says in one place whom it
// concerns, before any of them is started. On the kubelet's executor.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace pintle::kubelet {

struct Changes {
  std::function<void()> images = [] {};                                               // the node has other images than before
  std::function<void()> node_status = [] {};                                          // what the node's status tells is another
  std::function<void()> node = [] {};                                                 // the Node was registered, or somebody changed it
  std::function<void(std::string pod_cidr)> pod_range = [](std::string) {};           // the node's range of addresses for pods is known
  std::function<void()> assigned_pods = [] {};                                        // the API has other pods for this node
  std::function<void(const std::string& pod_uid)> probe = [](const std::string&) {};  // a verdict on a container
  std::function<void(const std::vector<std::string>& pod_uids)> devices = [](const std::vector<std::string>&) {};  // of these pods are well, or not
  std::function<void()> drivers = [] {};  // of dynamic resources can be asked that could not
  std::function<void(const std::vector<std::string>& pod_uids)> objects = [](const std::vector<std::string>&) {};  // that these pods refer to
};

}  // namespace pintle::kubelet
