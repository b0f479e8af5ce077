// Admission: plugins that change (admit) and then check (validate) an object on its way to the store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/object.h"
#include "apiserver/authentication/authenticator.h"
#include "apiserver/resource_reader.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::apiserver {

enum class Operation : uint8_t { Create, Update, Delete, Connect };

struct AdmissionAttributes {
  Operation operation = Operation::Create;
  api::GroupVersionKind kind;
  GroupResource resource;
  std::string version;            // of the resource in the request
  std::string subresource;
  std::string ns;
  std::string name;
  api::Object* object = nullptr;       // Create, Update: may be changed by admit(); Connect: the options; Delete: nullptr
  const api::Object* old_object = nullptr;   // Update, Delete
  const UserInfo* user = nullptr;
  bool dry_run = false;
  std::vector<std::string>* warnings = nullptr;   // shown to the client as Warning headers
};

class AdmissionPlugin {
 public:
  virtual ~AdmissionPlugin() = default;
  virtual std::string_view name() const = 0;
  virtual bool handles(Operation operation) const = 0;
  // Both default to doing nothing.
  virtual rt::Task<Result<Unit>> admit(rt::Context ctx, AdmissionAttributes& attributes);
  virtual rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& attributes);
};

// The plugins of this build in upstream's order, those of `enabled` (default set plus flags), with their dependencies.
struct AdmissionDeps {
  const ResourceReader& reader;
};

}  // namespace pintle::apiserver
