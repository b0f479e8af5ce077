// Every built-in resource: one folder a group, one file a resource (or a few small ones of a kind).
#pragma once

#include <vector>

#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

using Definitions = std::vector<ResourceDefinition>;

// Each group appends its resources.
void add_core(Definitions& out);
void add_admissionregistration(Definitions& out);
void add_apiextensions(Definitions& out);
void add_apiregistration(Definitions& out);
void add_apps(Definitions& out);
void add_autoscaling(Definitions& out);
void add_batch(Definitions& out);
void add_networking(Definitions& out);
void add_policy(Definitions& out);
void add_rbac(Definitions& out);
void add_certificates(Definitions& out);
void add_coordination(Definitions& out);
void add_discovery(Definitions& out);
void add_flowcontrol(Definitions& out);
void add_node(Definitions& out);
void add_resource(Definitions& out);
void add_scheduling(Definitions& out);
void add_storage(Definitions& out);

// All of them, in no particular order.
Definitions builtin_resources();

}  // namespace pintle::apiserver::resources
