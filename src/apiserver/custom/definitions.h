// Definitions: follows the CustomResourceDefinitions of the server: gives them their names, serves what is established, and clears away the
// objects of those that are deleted. Level-triggered: each change of a definition brings one look at it, and nothing runs while none changes.
// Clearing away takes as long as it takes, beside everything else.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "apiserver/custom/conversion.h"
#include "apiserver/custom/definition_status.h"
#include "apiserver/registry/installed_registry.h"
#include "apiserver/registry/name_loops.h"
#include "base/mutex.h"
#include "rt/sync.h"

namespace pintle::apiserver::custom {

constexpr std::size_t removed_at_once_max = 32;  // objects of a definition that goes: their writes share commits

class Definitions {
 public:
  // `registry` has started, and outlives this. Belongs to the executor that starts it.
  Definitions(registry::InstalledRegistry& registry, const ConversionDeps& conversion);
  ~Definitions();

  // Serves what is established already before it returns; then follows changes.
  rt::Task<Result<Unit>> start();
  rt::Task<void> stop();

 private:
  rt::Task<Result<Unit>> look_at(const std::string& name);
  rt::Task<Result<Unit>> settle_status(const Definition& definition);
  rt::Task<Result<Unit>> serve(const Definition& definition);
  // Until the definition is let go, or waits for those that hold its objects.
  rt::Task<void> clear(std::string name);
  rt::Task<Result<Unit>> clear_away(const Definition& definition);
  // Each object that comes or goes brings another look.
  void follow_objects(const std::string& name, const GroupResource& resource, const void* form);
  struct Removal;
  rt::Task<void> remove_objects(Removal& removal);
  rt::Task<Result<Unit>> let_go(const std::string& name);
  rt::Task<void> forget(const std::string& name);
  void look_again(std::string name);
  // Those that have not got all their names: one of the group has been freed.
  void wake_refused(const std::string& group);
  TakenNames taken_by_others(const Definition& definition) const;

  struct Served {
    GroupResource resource;
    std::string uid;
    int64_t generation = 0;
    api::apiextensions_v1::CustomResourceDefinitionNames names;
    std::shared_ptr<const registry::Resource> form;
  };
  struct Clearing {
    bool running = false;
    bool again = false;              // something has changed since it began
    bool asked = false;              // all objects have been asked to go
    const void* followed = nullptr;  // the form of the resource whose events are followed
  };

  registry::InstalledRegistry& registry_;
  const ConversionDeps conversion_;
  std::map<std::string, Served> served_;                                                                         // by the definition's name
  std::map<std::string, std::map<std::string, api::apiextensions_v1::CustomResourceDefinitionNames>> accepted_;  // by group and definition
  std::map<std::string, Clearing> clearing_;
  std::map<std::string, std::set<std::string>> refused_;  // by group: definitions without all their names
  // Shared with the listener, which outlives this.
  struct Changes {
    registry::ChangedNames names;
    ThreadMutex mutex;
    std::set<std::string> strays GUARDED_BY(mutex);  // definitions of which an object was made while they were about to go
  };
  std::shared_ptr<Changes> changes_ = std::make_shared<Changes>();
  registry::NameLoops loops_;
};

}  // namespace pintle::apiserver::custom
