// The environment of a container: variables from ConfigMaps, Secrets, fields, resources, files and Services. Pure: what it
// reads was fetched before. Errors carry upstream's messages.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "kubelet/container_config/container_config.h"
#include "kubelet/downward/downward.h"
#include "kubelet/referenced_objects/referenced_objects.h"

namespace pintle::kubelet::container_config {

struct EnvironmentInputs {
  const api::core_v1::Pod& pod;
  const api::core_v1::Container& container;
  downward::PodAddresses addresses;
  const FlatMap<api::Quantity>& node_allocatable;
  // By name: the object, or the error with which it was looked for.
  std::map<std::string, Result<referenced_objects::ConfigMapPtr>, std::less<>> config_maps;
  std::map<std::string, Result<referenced_objects::SecretPtr>, std::less<>> secrets;
  // The content of a file of an emptyDir volume (fileKeyRef).
  std::function<Result<std::string>(std::string_view volume, std::string_view path)> volume_file;
  std::vector<std::shared_ptr<const api::core_v1::Service>> services;  // of the cluster
};

// First what envFrom gives, then env in its order (references see what comes before them and the Services' variables),
// then the Services' variables that nothing replaced. Each name once.
Result<EnvironmentVariables> make_environment(const EnvironmentInputs& inputs);

// The names that env and envFrom of a container refer to.
referenced_objects::ObjectNames environment_names(const api::core_v1::Container& container);

// NAME_SERVICE_HOST and the like, for the Services that a pod of the namespace sees.
EnvironmentVariables service_variables(const std::vector<std::shared_ptr<const api::core_v1::Service>>& services, std::string_view namespace_name,
                                       bool enable_service_links);

// The value of `key` in a file of KEY='value' lines; "" if it is not there.
Result<std::string> env_file_value(std::string_view text, std::string_view key);

}  // namespace pintle::kubelet::container_config
