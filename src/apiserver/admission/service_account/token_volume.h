// The projected volume with a service account's token, as pods get it by default.
#pragma once

#include "api/gen/core_v1.h"
#include "rt/clock.h"

namespace pintle::apiserver::admission {

constexpr std::string_view token_mount_path = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::string_view token_volume_prefix = "kube-api-access-";

// Mounts the volume in each container that has nothing at the mount path, and adds it if one does.
void mount_token_volume(api::core_v1::Pod& pod, rt::Random& random);

}  // namespace pintle::apiserver::admission
