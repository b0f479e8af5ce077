#include "controller/replicaset/replica_kind.h"

#include "apimachinery/selectors/or_nothing.h"
#include "client/label_index.h"
#include "controller/objects/controlled.h"

namespace pintle::controller::replicaset {

using api::apps_v1::ReplicaSet;
using api::apps_v1::ReplicaSetStatus;
using api::core_v1::ReplicationController;

namespace {

class Sets final : public ReplicaKind {
 public:
  explicit Sets(ControllerDeps& deps) : client_(deps.client), sets_(deps.informers.of<ReplicaSet>()) {
    api_version = "apps/v1";
    kind = "ReplicaSet";
    queue = "replicaset";
    group = "apps";
    objects::index_by_controller(sets_);
    client::index_selectors<ReplicaSet>(sets_, [](const ReplicaSet& set) { return apimachinery::selector_or_nothing(set.spec.selector.get()); });
  }
  SetPtr get(std::string_view key) const override { return sets_.get(key); }
  std::vector<SetPtr> perhaps_selecting(std::string_view namespace_name, const FlatMap<std::string>& labels) const override {
    return client::perhaps_selecting(sets_, namespace_name, labels);
  }
  std::vector<SetPtr> controlled_by(std::string_view owner_uid) const override { return objects::controlled_by(sets_, owner_uid); }
  void on_change(std::function<void(const ReplicaSet&, bool)> changed) override {
    client::Informer<ReplicaSet>::Handler handler;
    handler.on_add = [changed](const SetPtr& set, bool) { changed(*set, false); };
    handler.on_update = [changed](const SetPtr&, const SetPtr& set) { changed(*set, false); };
    handler.on_delete = [changed](const SetPtr& set) { changed(*set, true); };
    sets_.add_handler(std::move(handler));
  }
  rt::Task<Result<ReplicaSet>> fresh(rt::Context ctx, std::string namespace_name, std::string name) override {
    co_return co_await client_.get<ReplicaSet>(std::move(ctx), std::move(namespace_name), std::move(name));
  }
  rt::Task<Result<Unit>> write_status(rt::Context ctx, ReplicaSet set, ReplicaSetStatus status) override {
    set.status = std::move(status);
    auto written = co_await client_.update_status<ReplicaSet>(std::move(ctx), std::move(set));
    if (!written) co_return Unexpected(std::move(written).error());
    co_return Unit{};
  }

 private:
  client::Client& client_;
  client::Informer<ReplicaSet> sets_;
};

ReplicaSet to_set(const ReplicationController& from) {
  ReplicaSet set;
  set.metadata = from.metadata;
  set.spec.replicas = from.spec.replicas;
  set.spec.min_ready_seconds = from.spec.min_ready_seconds;
  set.spec.selector.ensure().match_labels = from.spec.selector;
  if (from.spec.template_) set.spec.template_ = *from.spec.template_;
  set.status.replicas = from.status.replicas;
  set.status.fully_labeled_replicas = from.status.fully_labeled_replicas;
  set.status.ready_replicas = from.status.ready_replicas;
  set.status.available_replicas = from.status.available_replicas;
  set.status.observed_generation = from.status.observed_generation;
  for (const auto& c : from.status.conditions) {
    api::apps_v1::ReplicaSetCondition condition;
    condition.type = c.type;
    condition.status = c.status;
    condition.last_transition_time = c.last_transition_time;
    condition.reason = c.reason;
    condition.message = c.message;
    set.status.conditions.push_back(std::move(condition));
  }
  return set;
}

api::core_v1::ReplicationControllerStatus to_status(const ReplicaSetStatus& from) {
  api::core_v1::ReplicationControllerStatus status;
  status.replicas = from.replicas;
  status.fully_labeled_replicas = from.fully_labeled_replicas;
  status.ready_replicas = from.ready_replicas;
  status.available_replicas = from.available_replicas;
  status.observed_generation = from.observed_generation;
  for (const auto& c : from.conditions) {
    api::core_v1::ReplicationControllerCondition condition;
    condition.type = c.type;
    condition.status = c.status;
    condition.last_transition_time = c.last_transition_time;
    condition.reason = c.reason;
    condition.message = c.message;
    status.conditions.push_back(std::move(condition));
  }
  return status;
}

std::vector<SetPtr> as_sets(const std::vector<std::shared_ptr<const ReplicationController>>& controllers) {
  std::vector<SetPtr> out;
  for (const auto& c : controllers) out.push_back(std::make_shared<const ReplicaSet>(to_set(*c)));
  return out;
}

class Controllers final : public ReplicaKind {
 public:
  explicit Controllers(ControllerDeps& deps) : client_(deps.client), controllers_(deps.informers.of<ReplicationController>()) {
    api_version = "v1";
    kind = "ReplicationController";
    queue = "replicationmanager";
    objects::index_by_controller(controllers_);
    client::index_selectors<ReplicationController>(controllers_,
                                                   [](const ReplicationController& set) { return apimachinery::set_or_nothing(set.spec.selector); });
  }
  SetPtr get(std::string_view key) const override {
    const auto found = controllers_.get(key);
    return found ? std::make_shared<const ReplicaSet>(to_set(*found)) : nullptr;
  }
  std::vector<SetPtr> perhaps_selecting(std::string_view namespace_name, const FlatMap<std::string>& labels) const override {
    return as_sets(client::perhaps_selecting(controllers_, namespace_name, labels));
  }
  std::vector<SetPtr> controlled_by(std::string_view owner_uid) const override { return as_sets(objects::controlled_by(controllers_, owner_uid)); }
  void on_change(std::function<void(const ReplicaSet&, bool)> changed) override {
    using Ptr = client::Informer<ReplicationController>::Ptr;
    client::Informer<ReplicationController>::Handler handler;
    handler.on_add = [changed](const Ptr& c, bool) { changed(to_set(*c), false); };
    handler.on_update = [changed](const Ptr&, const Ptr& c) { changed(to_set(*c), false); };
    handler.on_delete = [changed](const Ptr& c) { changed(to_set(*c), true); };
    controllers_.add_handler(std::move(handler));
  }
  rt::Task<Result<ReplicaSet>> fresh(rt::Context ctx, std::string namespace_name, std::string name) override {
    auto found = co_await client_.get<ReplicationController>(std::move(ctx), std::move(namespace_name), std::move(name));
    if (!found) co_return Unexpected(std::move(found).error());
    co_return to_set(*found);
  }
  rt::Task<Result<Unit>> write_status(rt::Context ctx, ReplicaSet set, ReplicaSetStatus status) override {
    ReplicationController controller;
    controller.metadata = std::move(set.metadata);
    controller.spec.replicas = set.spec.replicas;
    controller.spec.min_ready_seconds = set.spec.min_ready_seconds;
    controller.spec.selector = set.spec.selector->match_labels;
    controller.spec.template_ = std::move(set.spec.template_);
    controller.status = to_status(status);
    auto written = co_await client_.update_status<ReplicationController>(std::move(ctx), std::move(controller));
    if (!written) co_return Unexpected(std::move(written).error());
    co_return Unit{};
  }

 private:
  client::Client& client_;
  client::Informer<ReplicationController> controllers_;
};

}  // namespace

std::unique_ptr<ReplicaKind> replicaset_kind(ControllerDeps& deps) { return std::make_unique<Sets>(deps); }
std::unique_ptr<ReplicaKind> replication_controller_kind(ControllerDeps& deps) { return std::make_unique<Controllers>(deps); }

}  // namespace pintle::controller::replicaset
