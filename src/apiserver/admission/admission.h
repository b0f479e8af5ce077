// Admission: plugins that change (admit) and then check (validate) an object on its way to the store. Each plugin is a
// folder here; plugins.h puts those of a server together.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "apiserver/types/resource_reader.h"
#include "apiserver/types/user_info.h"
#include "base/status.h"
#include "rt/clock.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::apiserver {
class Registry;
}  // namespace pintle::apiserver

namespace pintle::apiserver::authorization {
class Authorizer;
}  // namespace pintle::apiserver::authorization

namespace pintle::apiserver::admission {

enum class Operation : uint8_t { Create, Update, Delete, Connect };

struct AdmissionAttributes {
  Operation operation = Operation::Create;
  api::GroupVersionKind kind;
  GroupResource resource;
  std::string version;  // of the resource in the request
  std::string subresource;
  std::string ns;
  std::string name;
  api::Object* object = nullptr;            // Create, Update: may be changed by admit(); Connect: the options; Delete: nullptr
  const api::Object* old_object = nullptr;  // Update, Delete
  const UserInfo* user = nullptr;
  bool dry_run = false;
  std::vector<std::string>* warnings = nullptr;  // shown to the client as Warning headers

  bool is(std::string_view group, std::string_view resource_name) const { return resource.resource == resource_name && resource.group == group; }
  // The object as T; nullptr if there is none or it is of another type.
  template <class T>
  T* object_as() const {
    return object && *object && object->is<T>() ? &object->as<T>() : nullptr;
  }
  template <class T>
  const T* old_as() const {
    return old_object && *old_object && old_object->is<T>() ? &old_object->as<T>() : nullptr;
  }
};

// The answer of a plugin that need not wait; nullopt: the task must be asked.
using AdmissionNow = std::optional<Result<Unit>>;

// Thread-safe. admit() and validate() default to what admit_now() and validate_now() say, which default to letting pass.
class AdmissionPlugin {
 public:
  virtual ~AdmissionPlugin() = default;
  virtual std::string_view name() const = 0;
  virtual bool handles(Operation operation) const = 0;
  virtual AdmissionNow admit_now(AdmissionAttributes&) { return Unit{}; }
  virtual AdmissionNow validate_now(const AdmissionAttributes&) { return Unit{}; }
  virtual rt::Task<Result<Unit>> admit(rt::Context ctx, AdmissionAttributes& attributes);
  virtual rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& attributes);
};

// How long pods stay on a node that has gone bad.
struct ToleratedSeconds {
  int64_t not_ready = 300;
  int64_t unreachable = 300;
};

// What plugins look at and write to, which outlives them, and what the command line decides.
struct AdmissionDeps {
  const ResourceReader& reader;
  authorization::Authorizer* authorizer = nullptr;  // nullptr: checks that ask for rights refuse
  rt::Random* random = nullptr;
  Registry* registry = nullptr;    // quota usage is written through it; nullptr: it is checked alone
  rt::Runtime* runtime = nullptr;  // for the scope of such a write
  ToleratedSeconds tolerated = {};
};

// 403 in upstream's form: `pods "a" is forbidden: why`, named by the request or the object.
Unexpected<Status> refuse(const AdmissionAttributes& attributes, std::string_view why);

inline bool is_pods(const AdmissionAttributes& attributes) { return attributes.is("", "pods"); }

}  // namespace pintle::apiserver::admission
