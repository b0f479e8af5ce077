// RegistryWriter: bootstrap's writes, made through the registry as the server itself.
#pragma once

#include "apiserver/bootstrap/bootstrap.h"
#include "apiserver/registry/installed_registry.h"

namespace pintle::apiserver::bootstrap {

class RegistryWriter : public Writer {
 public:
  // The registry outlives it.
  explicit RegistryWriter(registry::InstalledRegistry& registry) : registry_(registry) {}
  rt::Task<Result<Unit>> create(rt::Context ctx, GroupResource resource, std::string ns, api::Object object) override;
  rt::Task<Result<Unit>> update(rt::Context ctx, GroupResource resource, std::string ns, std::string name, std::string subresource,
                                std::function<Result<Unit>(api::Object&)> mutation) override;

 private:
  registry::InstalledRegistry& registry_;
};

}  // namespace pintle::apiserver::bootstrap
