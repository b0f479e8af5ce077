#include "controller/namespace_lifecycle/controller.h"

#include <algorithm>

#include "api/codec.h"
#include "client/work_queue.h"
#include "controller/discovery/discovery.h"
#include "controller/namespace_lifecycle/plan.h"
#include "controller/pods/pod_store.h"

namespace pintle::controller::namespace_lifecycle {

using api::core_v1::Namespace;
using api::meta_v1::PartialObjectMetadata;
using NamespacePtr = std::shared_ptr<const Namespace>;

namespace {

// What holds a namespace back is mostly pods, whose end is seen; the rest is looked at again with this backoff.
constexpr client::WorkQueueOptions retry_options{std::chrono::milliseconds(20), std::chrono::seconds(15)};

class NamespaceController final : public Controller {
 public:
  explicit NamespaceController(ControllerDeps deps)
      : deps_(deps),
        namespaces_(deps.informers.of<Namespace>()),
        loop_(
            deps.loop("namespace"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }, retry_options) {
    client::Informer<Namespace>::Handler handler;
    handler.on_add = [this](const NamespacePtr& ns, bool) { look_at(*ns); };
    handler.on_update = [this](const NamespacePtr& before, const NamespacePtr& after) {
      if (!before->metadata.deletion_timestamp || before->spec.finalizers != after->spec.finalizers) look_at(*after);
    };
    namespaces_.add_handler(std::move(handler));
    client::Informer<api::core_v1::Pod>::Handler pods;
    pods.on_delete = [this](const pods::PodPtr& pod) {
      const NamespacePtr ns = namespaces_.get(pod->metadata.namespace_);
      if (ns != nullptr && ns->metadata.deletion_timestamp && !deps_.pods.informer().any_in(ns->metadata.name)) look_at(*ns);
    };
    deps_.pods.informer().add_handler(std::move(pods));
  }
  void start() override { loop_.start(deps_.workers(10)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void look_at(const Namespace& ns) {
    if (ns.metadata.deletion_timestamp) loop_.queue().add(ns.metadata.name);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<NamespacePtr>> write_status(rt::Context ctx, NamespacePtr ns, api::core_v1::NamespaceStatus status);
  rt::Task<Result<Outcome>> empty(rt::Context ctx, std::string name);
  rt::Task<void> empty_resource(rt::Context ctx, discovery::ServedResource served, std::string name, Outcome& outcome);
  rt::Task<Result<Unit>> finalize(rt::Context ctx, NamespacePtr ns);

  ControllerDeps deps_;
  client::Informer<Namespace> namespaces_;
  client::ControlLoop loop_;
};

rt::Task<Result<NamespacePtr>> NamespaceController::write_status(rt::Context ctx, NamespacePtr ns, api::core_v1::NamespaceStatus status) {
  if (api::equal(api::type_of<api::core_v1::NamespaceStatus>(), &status, &ns->status)) co_return ns;
  Namespace copy = *ns;
  copy.status = std::move(status);
  auto written = co_await deps_.client.update_status<Namespace>(std::move(ctx), std::move(copy));
  if (!written) co_return Unexpected(std::move(written).error());
  co_return std::make_shared<const Namespace>(std::move(*written));
}

// Deletes what is there of one resource and counts what stays.
rt::Task<void> NamespaceController::empty_resource(rt::Context ctx, discovery::ServedResource served, std::string name, Outcome& outcome) {
  const std::string label = served.resource.name + "." + served.resource.group;
  client::ListOptions options;
  options.namespace_name = name;
  const auto& type = api::type_of<PartialObjectMetadata>();
  auto listed = co_await deps_.client.list_objects(ctx, served.resource, type, options);
  if (!listed) {
    if (listed.error().reason != Reason::NotFound && listed.error().reason != Reason::MethodNotAllowed)
      outcome.failures[label] = listed.error().message;
    co_return;
  }
  if (listed->items.empty()) co_return;
  client::DeleteOptions background;
  background.propagation_policy = "Background";
  if (served.can("deletecollection")) {
    auto removed = co_await deps_.client.remove_collection(ctx, served.resource, background, options);
    if (!removed && removed.error().reason != Reason::NotFound) outcome.failures[label] = removed.error().message;
  } else {
    for (const api::Object& object : listed->items) {
      const auto& meta = object.as<PartialObjectMetadata>().metadata;
      auto removed = co_await deps_.client.remove_object(ctx, served.resource, name, meta.name, background);
      if (!removed && removed.error().reason != Reason::NotFound) outcome.failures[label] = removed.error().message;
    }
  }
  auto left = co_await deps_.client.list_objects(ctx, served.resource, type, options);
  if (!left) {
    outcome.failures[label] = left.error().message;
    co_return;
  }
  if (left->items.empty()) co_return;
  outcome.remaining[label] = static_cast<int>(left->items.size());
  for (const api::Object& object : left->items)
    for (const std::string& held_by : object.as<PartialObjectMetadata>().metadata.finalizers) ++outcome.finalizers[held_by];
}

// Pods go first, so that nothing they use is taken from under them.
rt::Task<Result<Outcome>> NamespaceController::empty(rt::Context ctx, std::string name) {
  auto served = co_await discovery::discover(deps_.client, ctx);
  if (!served) co_return Unexpected(std::move(served).error());
  Outcome outcome;
  outcome.undiscovered = std::move(served->failed_groups);
  for (const bool pods : {true, false}) {
    for (const discovery::ServedResource& resource : served->resources) {
      const bool is_pods = resource.resource.group.empty() && resource.resource.name == "pods";
      if (is_pods != pods || !resource.resource.namespaced || !resource.can("delete") || !resource.can("list")) continue;
      co_await empty_resource(ctx, resource, name, outcome);
    }
    if (!outcome.remaining.empty()) break;
  }
  co_return outcome;
}

rt::Task<Result<Unit>> NamespaceController::finalize(rt::Context ctx, NamespacePtr ns) {
  Namespace copy = *ns;
  std::erase(copy.spec.finalizers, finalizer);
  auto done = co_await deps_.client.update_subresource<Namespace>(std::move(ctx), "finalize", std::move(copy));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> NamespaceController::sync(rt::Context ctx, std::string key) {
  const NamespacePtr cached = namespaces_.get(key);
  if (cached == nullptr || !cached->metadata.deletion_timestamp) co_return Unit{};
  auto fresh = co_await deps_.client.get<Namespace>(ctx, "", key);
  if (!fresh) {
    if (fresh.error().reason == Reason::NotFound) co_return Unit{};
    co_return Unexpected(std::move(fresh).error());
  }
  NamespacePtr ns = std::make_shared<const Namespace>(std::move(*fresh));
  if (ns->metadata.uid != cached->metadata.uid || !ns->metadata.deletion_timestamp) co_return Unit{};
  auto terminating = ns->status;
  terminating.phase = "Terminating";
  CO_TRY_ASSIGN(ns, co_await write_status(ctx, ns, std::move(terminating)));
  if (std::ranges::find(ns->spec.finalizers, finalizer) == ns->spec.finalizers.end()) co_return Unit{};
  auto outcome = co_await empty(ctx, key);
  if (!outcome) co_return Unexpected(std::move(outcome).error());
  CO_TRY_ASSIGN(ns, co_await write_status(ctx, ns, plan_status(ns->status, *outcome, deps_.runtime.clock().wall_now())));
  if (outcome->empty()) co_return co_await finalize(ctx, ns);
  co_return error(Reason::Conflict, "namespace " + key + " has content still");  // comes again with backoff
}

}  // namespace

std::unique_ptr<Controller> make_namespace_controller(ControllerDeps deps) { return std::make_unique<NamespaceController>(std::move(deps)); }

}  // namespace pintle::controller::namespace_lifecycle
