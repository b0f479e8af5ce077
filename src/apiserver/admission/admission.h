// Admission: plugins that change (admit) and then check (validate) an object on its way to the store. Each plugin is a
// folder here; plugins.h puts those of a server together.
#pragma once

#include <map>
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

namespace pintle::apimachinery {
class SchemaView;
}  // namespace pintle::apimachinery

namespace pintle::apimachinery::cel {
class TimeZones;
}  // namespace pintle::apimachinery::cel

namespace pintle::apiserver::authorization {
class Authorizer;
}  // namespace pintle::apiserver::authorization

namespace pintle::apiserver::callout {
class Callouts;
}  // namespace pintle::apiserver::callout

namespace pintle::apiserver::admission::configured {
class WebhookMetrics;
}  // namespace pintle::apiserver::admission::configured

namespace pintle::apiserver::admission::policies {
class PolicyMetrics;
}  // namespace pintle::apiserver::admission::policies

namespace pintle::apiserver::admission {

enum class Operation : uint8_t { Create, Update, Delete, Connect };
// "CREATE" and so on, as rules, reviews and metrics write it.
std::string_view operation_name(Operation operation);

// A version that a resource is served in.
struct ServedAs {
  GroupResource resource;
  std::string_view version;
  api::GroupVersionKind kind;  // of the request's subresource
};

// The objects of a request in the versions of their resource: what admission holds is in the storage version, what clients and whoever is
// called out see is not. Implemented by registry; thread-safe; outlives the request.
class ObjectVersions {
 public:
  virtual ~ObjectVersions() = default;
  // Every way to name what the request is about, in the order in which it is served.
  virtual const std::vector<ServedAs>& served() const = 0;
  // `object` as admission holds it, as served()[index]. `object` outlives the task.
  virtual rt::Task<Result<api::Object>> show(rt::Context ctx, const api::Object& object, std::size_t index) const = 0;
  // Back, of one that was changed: pruned and defaulted as a client's.
  virtual rt::Task<Result<api::Object>> take(rt::Context ctx, api::Object shown, std::size_t index) const = 0;
  // How fields of served()[index] are owned, of a custom kind; nullptr: its type says it all.
  virtual const apimachinery::SchemaView* schema(std::size_t) const { return nullptr; }
};

// What admission tells the audit log about one request. Bounded: a webhook that tells more is not heard any further.
class AuditAnnotations {
 public:
  static constexpr std::size_t bytes_max = 256 << 10;  // of keys and values together
  enum class Level : uint8_t { Metadata, Request };    // of the event that shows it, at least
  struct Annotation {
    std::string value;
    Level level = Level::Metadata;
  };
  // The first value of a key stays. False if that is another one, or there is too much already.
  bool add(std::string key, std::string value, Level level = Level::Metadata);
  const std::map<std::string, Annotation>& all() const { return all_; }

 private:
  std::map<std::string, Annotation> all_;
  std::size_t bytes_ = 0;
};

// The two rounds of mutating admission: what changes an object late asks the plugins before it again, once.
struct Reinvocation {
  bool wanted = false;                                         // set by whoever has changed the object
  bool again = false;                                          // this is the second round
  std::map<std::string_view, std::shared_ptr<void>> memories;  // what a plugin knows of the first round, by its name
};

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
  bool* unlabelled = nullptr;                    // of a new object, by note_labels()
  std::vector<std::string>* warnings = nullptr;  // shown to the client as Warning headers
  const api::Object* options = nullptr;          // CreateOptions, UpdateOptions (of a patch too) or DeleteOptions; Connect: nullptr
  AuditAnnotations* audit_annotations = nullptr;
  Reinvocation* reinvocation = nullptr;      // of mutating admission
  const ObjectVersions* versions = nullptr;  // nullptr: `object` is of `kind`, the only one there is
  std::size_t requested = 0;                 // which of versions->served() the request names

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

// An object that takes the place of a new one: whether it comes without labels. Before its defaults are set.
void note_labels(const AdmissionAttributes& attributes, const api::Object& object);

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

struct PluginSettings;

// What plugins look at and write to, which outlives them, and what the command line decides.
struct AdmissionDeps {
  ResourceReader& reader;
  authorization::Authorizer* authorizer = nullptr;  // nullptr: checks that ask for rights refuse
  rt::Random* random = nullptr;
  Registry* registry = nullptr;    // quota usage is written and params are converted through it; nullptr: neither
  rt::Runtime* runtime = nullptr;  // for the scope of such a write
  ToleratedSeconds tolerated = {};
  callout::Callouts* callouts = nullptr;                  // nullptr: webhooks cannot be called
  configured::WebhookMetrics* webhook_metrics = nullptr;  // nullptr: calls are not counted
  policies::PolicyMetrics* policy_metrics = nullptr;      // nullptr: their checks are not counted
  const apimachinery::cel::TimeZones* zones = nullptr;    // that expressions may name; nullptr: UTC and offsets
  const PluginSettings* settings = nullptr;               // read when plugins are made; nullptr: none
};

// 403 in upstream's form: `pods "a" is forbidden: why`, named by the request or the object.
Unexpected<Status> refuse(const AdmissionAttributes& attributes, std::string_view why);

inline bool is_pods(const AdmissionAttributes& attributes) { return attributes.is("", "pods"); }

}  // namespace pintle::apiserver::admission
