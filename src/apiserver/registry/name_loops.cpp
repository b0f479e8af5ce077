#include "apiserver/registry/name_loops.h"

#include <string>

#include "base/check.h"
#include "component/log.h"

namespace pintle::apiserver::registry {
namespace {

rt::Task<void> follow_names(rt::Context ctx, ChangedNames& names, ChangedNames::Look look, Complaint complaint, std::size_t at_once) {
  ChangedNames::Failed failed = [complaint](const Status& why, const std::string& name) {
    component::log::error(complaint.text, why, {{complaint.key, name}});
  };
  co_await names.follow(std::move(ctx), std::move(look), std::move(failed), at_once);
}

}  // namespace

NameLoops::~NameLoops() { CHECK(!tasks_, "await stop() before destroying whoever follows names"); }

rt::Context NameLoops::start() {
  CHECK(!tasks_, "started once");
  tasks_ = std::make_unique<rt::TaskGroup>();
  return tasks_->context();
}

void NameLoops::follow(ChangedNames& names, ChangedNames::Look look, Complaint complaint, std::size_t at_once) {
  followed_.push_back(&names);
  tasks_->spawn(follow_names(tasks_->context(), names, std::move(look), complaint, at_once));
}

void NameLoops::spawn(rt::Task<void> task) { tasks_->spawn(std::move(task)); }

rt::Task<void> NameLoops::stop() {
  if (!tasks_) co_return;
  for (ChangedNames* names : followed_) names->close();
  co_await tasks_->close();
  tasks_.reset();
  followed_.clear();
}

}  // namespace pintle::apiserver::registry
