#include "controller/garbage/controller.h"

#include <algorithm>
#include <tuple>

#include "client/work_queue.h"
#include "component/log.h"
#include "controller/discovery/discovery.h"
#include "controller/garbage/graph.h"
#include "controller/garbage/plan.h"
#include "rules/owner_references.h"

namespace pintle::controller::garbage {

namespace log = component::log;
using api::meta_v1::ObjectMeta;
using api::meta_v1::OwnerReference;
using api::meta_v1::PartialObjectMetadata;

namespace {

// The changes of resources come in bursts (a chart with ten definitions); discovery once they pause.
constexpr rt::Duration rediscovery_pause = std::chrono::milliseconds(500);
// A resource that cannot be listed (its webhook is down) holds the others up for no longer than this.
constexpr rt::Duration sync_wait_max = std::chrono::seconds(30);
// An owner that is there and that no watch has told of is looked for again.
constexpr rt::Duration unseen_owner_pause = std::chrono::seconds(30);
constexpr std::string_view discovery_key = "discovery";

// Handlers are told of each change; nobody asks for the objects.
constexpr std::size_t decoded_kept = 16;

// The graph needs names, owners and finalizers alone.
void keep_little(api::Object& object) {
  ObjectMeta& meta = object.as<PartialObjectMetadata>().metadata;
  meta.labels.clear();
  meta.annotations.clear();
  meta.self_link.clear();
  meta.generate_name.clear();
}

class GarbageCollector final : public Controller {
 public:
  explicit GarbageCollector(ControllerDeps deps)
      : deps_(deps),
        collect_(deps.loop("garbage_collector_attempt_to_delete"),
                 [this](rt::Context ctx, std::string uid) { return collect(std::move(ctx), std::move(uid)); }),
        orphan_(deps.loop("garbage_collector_attempt_to_orphan"),
                [this](rt::Context ctx, std::string uid) { return orphan(std::move(ctx), std::move(uid)); }),
        discovery_(deps.loop("garbage_collector_discovery"), [this](rt::Context ctx, std::string) { return rediscover(std::move(ctx)); }) {
    // New kinds come by definitions and by aggregated services.
    for (const auto& [group, name, kind] : {std::tuple("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition"),
                                            std::tuple("apiregistration.k8s.io", "apiservices", "APIService")}) {
      client::Resource resource{group, "v1", name, kind, false};
      deps.informers.metadata_of(resource).on_any(
          [this](const PartialObjectMetadata&) { discovery_.queue().add_after(std::string(discovery_key), rediscovery_pause); });
    }
  }
  void start() override {
    discovery_.queue().add(std::string(discovery_key));
    discovery_.start(1);
  }
  rt::Task<void> stop() override {
    co_await discovery_.stop();
    co_await collect_.stop();
    co_await orphan_.stop();
    for (auto& [key, informer] : informers_) co_await informer->stop();
  }

 private:
  rt::Task<Result<Unit>> rediscover(rt::Context ctx);
  void follow(const discovery::ServedResource& served);
  client::AnyHandler handler_of(client::AnyInformer& informer);
  void changed(const client::Resource& resource, const ObjectMeta& meta);
  void enqueue(Work work);
  void report(const std::string& uid, const std::string& owner);
  bool is_namespaced(std::string_view group, std::string_view kind) const;
  rt::Task<Result<Unit>> collect(rt::Context ctx, std::string uid);
  rt::Task<Result<Unit>> collect_owned(rt::Context ctx, client::Resource resource, Identity identity, ObjectMeta meta);
  rt::Task<Result<Unit>> finish_foreground(rt::Context ctx, client::Resource resource, std::string uid, ObjectMeta meta);
  rt::Task<Result<Unit>> orphan(rt::Context ctx, std::string uid);
  rt::Task<Result<Unit>> drop_owner(rt::Context ctx, Identity dependent, std::string owner_uid);
  rt::Task<Result<OwnerState>> owner_state(rt::Context ctx, OwnerReference ref, std::string namespace_name);
  rt::Task<Result<ObjectMeta>> read(rt::Context ctx, client::Resource resource, std::string namespace_name, std::string name);
  rt::Task<Result<Unit>> patch(rt::Context ctx, client::Resource resource, std::string namespace_name, std::string name, std::string body);

  ControllerDeps deps_;
  Graph graph_;
  component::metrics::Counter& sync_errors_ = deps_.families.counter("garbagecollector_controller_resources_sync_error_total",
                                                                     "Times that the resources of the cluster were not all found and read.");
  discovery::ServedResources served_;
  std::map<std::string, std::unique_ptr<client::AnyInformer>> informers_;  // by path
  std::map<std::string, client::AnyInformer*> shared_;                     // of the manager's, these
  bool collecting_ = false;
  client::ControlLoop collect_, orphan_, discovery_;
};

bool GarbageCollector::is_namespaced(std::string_view group, std::string_view kind) const {
  const discovery::ServedResource* served = served_.of_kind(group, kind);
  return served == nullptr || served->resource.namespaced;
}

void GarbageCollector::enqueue(Work work) {
  for (const std::string& uid : work.collect) collect_.queue().add(uid);
  for (const std::string& uid : work.orphan) orphan_.queue().add(uid);
  for (const auto& [dependent, owner] : work.misplaced) report(dependent, owner);
}

void GarbageCollector::report(const std::string& uid, const std::string& owner) {
  const Node* node = graph_.find(uid);
  if (node == nullptr) return;
  const discovery::ServedResource* served = served_.of_kind(node->group(), node->kind());
  for (const Node::Owner& one : node->owners()) {
    if (one.node->uid() != owner || served == nullptr) continue;
    api::core_v1::ObjectReference about;
    about.api_version = served->resource.api_version();
    about.kind = node->kind();
    about.namespace_ = node->namespace_name();
    about.name = node->name();
    about.uid = uid;
    deps_.events.warning(about, "OwnerRefInvalidNamespace", misplaced_message(node->reference(one), about.namespace_));
  }
}

void GarbageCollector::changed(const client::Resource& resource, const ObjectMeta& meta) {
  Identity identity{resource.group, resource.kind, meta.namespace_, meta.name, meta.uid};
  enqueue(graph_.observe(identity, meta, [this](std::string_view group, std::string_view kind) { return is_namespaced(group, kind); }));
}

client::AnyHandler GarbageCollector::handler_of(client::AnyInformer& informer) {
  client::AnyHandler handler;
  handler.owner = deps_.handlers;
  const client::AnyInformer* const of = &informer;
  handler.on_add = [this, of](const client::AnyPtr& object, bool) { changed(of->resource(), of->store().meta(object.get())); };
  handler.on_update = [this, of](const client::AnyPtr&, const client::AnyPtr& after) { changed(of->resource(), of->store().meta(after.get())); };
  handler.on_delete = [this, of](const client::AnyPtr& object) { enqueue(graph_.remove(of->store().meta(object.get()).uid)); };
  return handler;
}

// What another controller keeps all objects of is not kept twice.
void GarbageCollector::follow(const discovery::ServedResource& served) {
  const std::string key = served.resource.path("");
  if (informers_.contains(key) || shared_.contains(key)) return;
  if (client::AnyInformer* shared = deps_.informers.whole(served.resource)) {
    shared_.emplace(key, shared);
    shared->add_handler(handler_of(*shared));
    return;
  }
  client::InformerOptions options;
  options.transform = keep_little;
  options.decoded_max = decoded_kept;
  auto informer =
      std::make_unique<client::AnyInformer>(deps_.informers.client(), served.resource, api::type_of<PartialObjectMetadata>(), std::move(options));
  informer->add_handler(handler_of(*informer));
  informer->start();
  informers_.emplace(key, std::move(informer));
}

rt::Task<Result<Unit>> GarbageCollector::rediscover(rt::Context ctx) {
  auto served = co_await discovery::discover(deps_.client, ctx);
  if (!served || !served->failed_groups.empty()) sync_errors_.add();
  if (!served) co_return Unexpected(std::move(served).error());
  const bool whole = served->failed_groups.empty();
  served_ = std::move(*served);
  std::set<std::string> wanted;
  for (const discovery::ServedResource& resource : served_.resources) {
    if (!resource.can("delete") || !resource.can("list") || !resource.can("watch")) continue;
    if (resource.resource.name == "events" && (resource.resource.group.empty() || resource.resource.group == "events.k8s.io")) continue;
    wanted.insert(resource.resource.path(""));
    follow(resource);
  }
  std::vector<std::unique_ptr<client::AnyInformer>> ended;
  for (auto it = informers_.begin(); whole && it != informers_.end();) {
    if (wanted.contains(it->first)) {
      ++it;
      continue;
    }
    const client::ObjectStore& store = it->second->store();
    store.for_each([&](const std::string&, const client::AnyPtr& object) { enqueue(graph_.remove(store.meta(object.get()).uid)); });
    ended.push_back(std::move(it->second));
    it = informers_.erase(it);
  }
  for (auto& informer : ended) co_await informer->stop();
  const rt::Context limited = ctx.with_timeout(sync_wait_max);
  std::vector<client::AnyInformer*> followed;
  for (auto& [key, informer] : informers_) followed.push_back(informer.get());
  for (auto& [key, informer] : shared_) followed.push_back(informer);
  for (client::AnyInformer* informer : followed) {
    auto synced = co_await informer->wait_synced(limited);
    if (synced) continue;
    sync_errors_.add();
    log::info(2, "A resource is not synced yet", {{"resource", informer->resource().path("")}});
  }
  if (!collecting_ && !ctx.done()) {
    collecting_ = true;
    collect_.start(deps_.workers(20));
    orphan_.start(deps_.workers(20));
  }
  if (!whole) co_return error(Reason::ServiceUnavailable, served_.failed_groups.front());
  co_return Unit{};
}

rt::Task<Result<ObjectMeta>> GarbageCollector::read(rt::Context ctx, client::Resource resource, std::string namespace_name, std::string name) {
  auto object = co_await deps_.client.get_object(std::move(ctx), std::move(resource), api::type_of<PartialObjectMetadata>(),
                                                 std::move(namespace_name), std::move(name));
  if (!object) co_return Unexpected(std::move(object).error());
  co_return std::move(object->as<PartialObjectMetadata>().metadata);
}

rt::Task<Result<Unit>> GarbageCollector::patch(rt::Context ctx, client::Resource resource, std::string namespace_name, std::string name,
                                               std::string body) {
  client::PatchOptions options;
  auto done =
      co_await deps_.client.patch_object(std::move(ctx), std::move(resource), api::type_of<PartialObjectMetadata>(), std::move(namespace_name),
                                         std::move(name), client::PatchType::Merge, std::move(body), std::move(options));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

rt::Task<Result<OwnerState>> GarbageCollector::owner_state(rt::Context ctx, OwnerReference ref, std::string namespace_name) {
  const Node* node = graph_.find(ref.uid);
  if (node != nullptr && !node->is_virtual()) {
    const std::string& home = node->namespace_name();
    if (!home.empty() && namespace_name.empty()) co_return OwnerState::Invalid;
    if (!home.empty() && home != namespace_name) co_return OwnerState::Dangling;
    if (node->deleting_dependents()) co_return OwnerState::Waiting;
    co_return OwnerState::Solid;
  }
  const discovery::ServedResource* served = served_.of_kind(rules::group_of(ref.api_version), ref.kind);
  if (served == nullptr) co_return error(Reason::NotFound, "no resource of kind " + ref.kind + " in " + ref.api_version);
  if (served->resource.namespaced && namespace_name.empty()) co_return OwnerState::Invalid;
  const client::Resource resource = served->resource;
  if (!resource.namespaced) namespace_name.clear();
  auto meta = co_await read(std::move(ctx), resource, std::move(namespace_name), ref.name);
  if (!meta) {
    if (meta.error().reason == Reason::NotFound) co_return OwnerState::Dangling;
    co_return Unexpected(std::move(meta).error());
  }
  if (meta->uid != ref.uid) co_return OwnerState::Dangling;
  const bool foreground = meta->deletion_timestamp && std::ranges::find(meta->finalizers, foreground_finalizer) != meta->finalizers.end();
  co_return foreground ? OwnerState::Waiting : OwnerState::Solid;
}

// The owner's dependents are gone, as far as they hold it back: it may go. Else those are looked at.
rt::Task<Result<Unit>> GarbageCollector::finish_foreground(rt::Context ctx, client::Resource resource, std::string uid, ObjectMeta meta) {
  const Node* node = graph_.find(uid);
  if (node == nullptr) co_return Unit{};
  const auto blocking = graph_.blocking_dependents(*node);
  if (!blocking.empty()) {
    for (const Node* dependent : blocking)
      if (!dependent->deleting_dependents()) collect_.queue().add(dependent->uid());
    co_return Unit{};
  }
  std::string body = without_finalizer_patch(meta, foreground_finalizer);
  co_return co_await patch(std::move(ctx), std::move(resource), meta.namespace_, meta.name, std::move(body));
}

rt::Task<Result<Unit>> GarbageCollector::collect_owned(rt::Context ctx, client::Resource resource, Identity identity, ObjectMeta meta) {
  std::vector<OwnerState> states;
  for (const OwnerReference& ref : meta.owner_references) {
    auto state = co_await owner_state(ctx, ref, meta.namespace_);
    if (!state) co_return Unexpected(std::move(state).error());
    states.push_back(*state);
  }
  const Node* node = graph_.find(identity.uid);
  bool dependent_waits = false;
  if (node != nullptr)
    for (const Node::Dependent& one : node->dependents()) dependent_waits |= one.node->deleting_dependents();
  const Verdict verdict = judge(meta, states, node != nullptr && !node->dependents().empty(), dependent_waits);
  if (verdict.action == Verdict::Do::Nothing) co_return Unit{};
  if (verdict.action == Verdict::Do::DropOwners) {
    std::string body = owners_patch(meta, verdict.owners_kept);
    co_return co_await patch(std::move(ctx), std::move(resource), meta.namespace_, meta.name, std::move(body));
  }
  client::DeleteOptions options;
  options.propagation_policy = verdict.propagation;
  options.precondition_uid = meta.uid;
  options.precondition_resource_version = meta.resource_version;
  if (verdict.unblock_owners) {
    std::vector<OwnerReference> owners = meta.owner_references;
    for (OwnerReference& ref : owners) ref.block_owner_deletion = false;
    std::string body = owners_patch(meta, owners);
    CO_TRY(co_await patch(ctx, resource, meta.namespace_, meta.name, std::move(body)));
    options.precondition_resource_version.clear();
  }
  log::info(2, "Deleting an object without owners",
            {{"kind", identity.kind}, {"namespace", meta.namespace_}, {"name", meta.name}, {"propagation", verdict.propagation}});
  auto done = co_await deps_.client.remove_object(std::move(ctx), std::move(resource), meta.namespace_, meta.name, std::move(options));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> GarbageCollector::collect(rt::Context ctx, std::string uid) {
  const Node* node = graph_.find(uid);
  if (node == nullptr || (node->deleting() && !node->deleting_dependents())) co_return Unit{};
  const Identity identity = node->identity();
  const bool was_virtual = node->is_virtual();
  const discovery::ServedResource* served = served_.of_kind(identity.group, identity.kind);
  if (served == nullptr) {
    if (was_virtual) co_return Unit{};  // an owner of an unknown kind: nothing can be said until the kind is known
    co_return error(Reason::NotFound, "no resource of kind " + identity.kind);
  }
  const client::Resource resource = served->resource;
  if (resource.namespaced && identity.namespace_name.empty()) co_return Unit{};  // named by what is in no namespace: nowhere to look
  auto meta = co_await read(ctx, resource, identity.namespace_name, identity.name);
  if (!meta && meta.error().reason != Reason::NotFound) co_return Unexpected(std::move(meta).error());
  if (!meta || meta->uid != uid) {
    // A real node's end comes by its watch; nobody watches for a virtual one.
    const Node* still = graph_.find(uid);
    if (still != nullptr && still->is_virtual()) enqueue(graph_.remove(uid));
    co_return Unit{};
  }
  if (was_virtual) {
    // Its watch will say so, unless it goes while the watch is cut off: then nobody tells of its end.
    if (const Node* still = graph_.find(uid); still != nullptr && still->is_virtual()) collect_.queue().add_after(uid, unseen_owner_pause);
    co_return Unit{};
  }
  const Node* now = graph_.find(uid);
  if (now != nullptr && now->deleting_dependents()) co_return co_await finish_foreground(std::move(ctx), resource, uid, std::move(*meta));
  if (meta->deletion_timestamp) co_return Unit{};
  co_return co_await collect_owned(std::move(ctx), resource, identity, std::move(*meta));
}

rt::Task<Result<Unit>> GarbageCollector::drop_owner(rt::Context ctx, Identity dependent, std::string owner_uid) {
  const discovery::ServedResource* served = served_.of_kind(dependent.group, dependent.kind);
  if (served == nullptr) co_return Unit{};
  const client::Resource resource = served->resource;
  auto meta = co_await read(ctx, resource, dependent.namespace_name, dependent.name);
  if (!meta) {
    if (meta.error().reason == Reason::NotFound) co_return Unit{};
    co_return Unexpected(std::move(meta).error());
  }
  std::vector<OwnerReference> owners = meta->owner_references;
  if (meta->uid != dependent.uid || std::erase_if(owners, [&](const OwnerReference& ref) { return ref.uid == owner_uid; }) == 0) co_return Unit{};
  std::string body = owners_patch(*meta, owners);
  co_return co_await patch(std::move(ctx), resource, meta->namespace_, meta->name, std::move(body));
}

rt::Task<Result<Unit>> GarbageCollector::orphan(rt::Context ctx, std::string uid) {
  const Node* node = graph_.find(uid);
  if (node == nullptr || node->is_virtual()) co_return Unit{};
  const Identity identity = node->identity();
  std::vector<Identity> dependents;
  for (const Node::Dependent& one : node->dependents()) dependents.push_back(one.node->identity());
  for (Identity& dependent : dependents) CO_TRY(co_await drop_owner(ctx, std::move(dependent), uid));
  const discovery::ServedResource* served = served_.of_kind(identity.group, identity.kind);
  if (served == nullptr) co_return Unit{};
  const client::Resource resource = served->resource;
  auto meta = co_await read(ctx, resource, identity.namespace_name, identity.name);
  if (!meta) {
    if (meta.error().reason == Reason::NotFound) co_return Unit{};
    co_return Unexpected(std::move(meta).error());
  }
  if (meta->uid != uid || std::ranges::find(meta->finalizers, orphan_finalizer) == meta->finalizers.end()) co_return Unit{};
  std::string body = without_finalizer_patch(*meta, orphan_finalizer);
  co_return co_await patch(std::move(ctx), resource, meta->namespace_, meta->name, std::move(body));
}

}  // namespace

std::unique_ptr<Controller> make_garbage_collector(ControllerDeps deps) { return std::make_unique<GarbageCollector>(std::move(deps)); }

}  // namespace pintle::controller::garbage
