// What this server says it is: compatible with one version of Kubernetes, built as Pintle.
#pragma once

#include <string>

#include "component/version.h"

namespace pintle::apiserver::endpoints {

constexpr const char* kubernetes_major = "1";
constexpr const char* kubernetes_minor = "36";
constexpr const char* git_version = component::kubernetes_version;

// The answer to /version.
std::string version_document();

}  // namespace pintle::apiserver::endpoints
