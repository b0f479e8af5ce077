#include "cni/node_conflist.h"

#include "api/gen/core_v1.h"
#include "client/informer.h"
#include "component/log.h"
#include "rt/sync.h"

namespace pintle::cni {

namespace core = api::core_v1;

namespace {

constexpr rt::Duration again_after = std::chrono::seconds(5);  // a write that failed (a full disk)

std::vector<std::string> pod_cidrs(const core::Node& node) {
  if (!node.spec.pod_cidrs.empty()) return node.spec.pod_cidrs;
  return node.spec.pod_cidr.empty() ? std::vector<std::string>() : std::vector<std::string>{node.spec.pod_cidr};
}

client::InformerOptions only(const std::string& node_name) {
  client::InformerOptions options;
  options.field_selector = "metadata.name=" + node_name;
  return options;
}

}  // namespace

struct NodeConflist::State {
  explicit State(NodeConflistSetup s)
      : setup(std::move(s)), informer(setup.client, client::resource_of<core::Node>(), api::type_of<core::Node>(), only(setup.node_name)) {}

  NodeConflistSetup setup;
  client::AnyInformer informer;
  std::vector<std::string> wanted;
  rt::Event changed;
  rt::Event written;
  rt::TaskGroup tasks;

  std::string path() const { return setup.conf_dir + "/10-" + setup.settings.name + ".conflist"; }

  void observe(const client::AnyPtr& object) {
    auto cidrs = pod_cidrs(*static_cast<const core::Node*>(object.get()));
    if (cidrs.empty() || cidrs == wanted) return;
    wanted = std::move(cidrs);
    changed.set();
  }

  // Replaces the file unless it says the same already: the runtime loads its network anew at each change.
  Result<Unit> write(const std::string& text) {
    rt::Disk& disk = setup.runtime.disk();
    const auto before = disk.read(path());
    if (before && *before == text) return Unit{};
    TRY(disk.make_directories(setup.conf_dir));
    return disk.replace(path(), text);
  }

  rt::Task<void> run(rt::Context ctx) {
    while (!ctx.done()) {
      const auto woken = co_await changed.wait(ctx);
      if (!woken) break;
      changed.reset();
      ConflistSettings settings = setup.settings;
      settings.pod_cidrs = wanted;
      Result<Unit> done = Unit{};
      const auto text = conflist(settings);
      if (!text) {
        component::log::error("The node's pod CIDRs cannot be used", {{"node", setup.node_name}, {"err", text.error().message}});
        continue;
      }
      co_await setup.runtime.run_blocking([&] { done = write(*text); });
      if (done) {
        written.set();
        continue;
      }
      component::log::error("Failed to write the CNI configuration", {{"path", path()}, {"err", done.error().message}});
      (void)co_await rt::sleep_for(ctx, again_after);
      changed.set();
    }
  }
};

NodeConflist::NodeConflist(NodeConflistSetup setup) : state_(std::make_unique<State>(std::move(setup))) {}
NodeConflist::~NodeConflist() = default;

void NodeConflist::start() {
  client::AnyHandler handler;
  State* state = state_.get();
  handler.on_add = [state](const client::AnyPtr& object, bool) { state->observe(object); };
  handler.on_update = [state](const client::AnyPtr&, const client::AnyPtr& object) { state->observe(object); };
  state_->informer.add_handler(std::move(handler));
  state_->informer.start();
  state_->tasks.spawn(state_->run(state_->tasks.context()));
}

rt::Task<Result<Unit>> NodeConflist::wait_written(rt::Context ctx) { co_return co_await state_->written.wait(std::move(ctx)); }

rt::Task<void> NodeConflist::stop() {
  co_await state_->informer.stop();
  co_await state_->tasks.close();
}

std::string NodeConflist::path() const { return state_->path(); }

}  // namespace pintle::cni
