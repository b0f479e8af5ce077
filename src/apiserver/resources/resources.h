// Every built-in resource: one folder a group, one file a resource (or a few small ones of a kind).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/registry/strategy.h"

namespace pintle::apimachinery::cel {
class TimeZones;
}  // namespace pintle::apimachinery::cel

namespace pintle::apiserver::authentication {
class TokenAuthenticator;
}  // namespace pintle::apiserver::authentication

namespace pintle::apiserver::authorization {
class Authorizer;
}  // namespace pintle::apiserver::authorization

namespace pintle::apiserver::authentication::service_account {
class TokenIssuer;
}  // namespace pintle::apiserver::authentication::service_account

namespace pintle::apiserver::resources {

class ServiceAllocator;

// What those resources ask that answer otherwise than from the store. All outlive the resources; empty where only strategies are
// looked at (tests).
struct Deps {
  // Why the store cannot write; nullopt: it can. Called on any executor; must not block.
  std::function<std::optional<Status>()> store_failure = {};
  authorization::Authorizer* authorizer = nullptr;
  authentication::TokenAuthenticator* tokens = nullptr;
  std::vector<std::string> audiences = {};                         // of a token review that names none
  authentication::service_account::TokenIssuer* issuer = nullptr;  // nullptr: no key, so that no tokens of service accounts are made
  std::shared_ptr<ServiceAllocator> service_allocator = nullptr;   // that whoever repairs its addresses shares
  const apimachinery::cel::TimeZones* zones = nullptr;             // that CronJobs and rules of definitions may name
};

using Definitions = std::vector<registry::ResourceDefinition>;

// Each group appends its resources.
void add_core(const Deps& deps, Definitions& out);
void add_authentication(const Deps& deps, Definitions& out);
void add_authorization(const Deps& deps, Definitions& out);
void add_admissionregistration(Definitions& out);
void add_apiextensions(const Deps& deps, Definitions& out);
void add_apiregistration(Definitions& out);
void add_apps(Definitions& out);
void add_autoscaling(Definitions& out);
void add_batch(const Deps& deps, Definitions& out);
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
Definitions builtin_resources(const Deps& deps);

}  // namespace pintle::apiserver::resources
