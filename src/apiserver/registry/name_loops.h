// NameLoops: the loops of one component over names that changed, and its other tasks, from its start to its stop. Belongs to the executor that starts
// it; the ChangedNames, which listeners share, outlive it.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "apiserver/registry/changed_names.h"
#include "rt/sync.h"

namespace pintle::apiserver::registry {

// What the log says of a name that could not be looked at; literals.
struct Complaint {
  std::string_view text;
  std::string_view key = "name";  // of the name
};

class NameLoops {
 public:
  NameLoops() = default;
  NameLoops(const NameLoops&) = delete;
  NameLoops& operator=(const NameLoops&) = delete;
  ~NameLoops();

  // The context of what runs until stop(): done from then on.
  rt::Context start();
  void follow(ChangedNames& names, ChangedNames::Look look, Complaint complaint, std::size_t at_once = 1);
  void spawn(rt::Task<void> task);
  // Names that come from now on are looked at by nobody. Nothing without a start().
  rt::Task<void> stop();
  bool running() const { return tasks_ != nullptr; }
  // That of start(), until stop().
  rt::Context context() const { return tasks_->context(); }

 private:
  std::unique_ptr<rt::TaskGroup> tasks_;
  std::vector<ChangedNames*> followed_;
};

}  // namespace pintle::apiserver::registry
