// What this server says it is: compatible with one version of Kubernetes, built as Pintle.
#pragma once

#include <string>

#include "component/version.h"

namespace pintle::apiserver::endpoints {

using component::kubernetes_major;
using component::kubernetes_minor;
constexpr const char* git_version = component::kubernetes_version;

// The answer to /version.
std::string version_document();

}  // namespace pintle::apiserver::endpoints
