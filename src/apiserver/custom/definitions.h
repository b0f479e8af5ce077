// Definitions: follows the CustomResourceDefinitions of the server: gives them their names, serves what is established, and clears away the
// objects of those that are deleted. Level-triggered: each change of a definition brings one look at it, and nothing runs while none changes.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "apiserver/custom/definition_status.h"
#include "apiserver/registry/installed_registry.h"
#include "base/mutex.h"
#include "rt/sync.h"

namespace pintle::apiserver::custom {

class Definitions {
 public:
  // `registry` has started, and outlives this. Belongs to the executor that starts it.
  explicit Definitions(registry::InstalledRegistry& registry);
  ~Definitions();

  // Serves what is established already before it returns; then follows changes.
  rt::Task<Result<Unit>> start();
  rt::Task<void> stop();

 private:
  rt::Task<void> follow(rt::Context ctx);
  rt::Task<Result<Unit>> look_at(const std::string& name);
  rt::Task<Result<Unit>> settle_status(const Definition& definition);
  rt::Task<Result<Unit>> serve(const Definition& definition);
  rt::Task<Result<Unit>> clear_away(const Definition& definition);
  rt::Task<void> forget(const std::string& name);
  TakenNames taken_by_others(const Definition& definition) const;

  struct Served {
    GroupResource resource;
    std::string uid;
    int64_t generation = 0;
    api::apiextensions_v1::CustomResourceDefinitionNames names;
  };

  registry::InstalledRegistry& registry_;
  std::map<std::string, Served> served_;                                                                         // by the definition's name
  std::map<std::string, std::map<std::string, api::apiextensions_v1::CustomResourceDefinitionNames>> accepted_;  // by group and definition
  // Shared with the listener, which outlives this.
  struct Changes {
    ThreadMutex mutex;
    std::set<std::string> names GUARDED_BY(mutex);
    bool closed GUARDED_BY(mutex) = false;
    rt::Event event;
  };
  std::shared_ptr<Changes> changes_ = std::make_shared<Changes>();
  std::unique_ptr<rt::TaskGroup> tasks_;
};

}  // namespace pintle::apiserver::custom
