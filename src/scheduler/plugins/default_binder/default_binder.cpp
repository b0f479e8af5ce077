#include "scheduler/plugins/default_binder/default_binder.h"

#include "client/client.h"

namespace pintle::scheduler::plugins {

namespace {

class DefaultBinder final : public Plugin, public BindPlugin {
 public:
  explicit DefaultBinder(client::Client& client) : client_(client) {}

  rt::Task<PluginStatus> bind(rt::Context ctx, CycleState&, PodInfoPtr pod, std::string node) override {
    const auto& meta = pod->pod->metadata;
    api::core_v1::Binding binding;
    binding.metadata.name = meta.name;
    binding.metadata.namespace_ = meta.namespace_;
    binding.metadata.uid = meta.uid;
    binding.target.kind = "Node";
    binding.target.name = std::move(node);
    std::string path = client::resource_of<Pod>().path(meta.namespace_, meta.name, "binding");
    api::Object body = api::Object::of(std::move(binding));
    auto answer = co_await client_.write_object(std::move(ctx), "POST", std::move(path), std::move(body), api::type_of<api::meta_v1::Status>());
    if (!answer) co_return PluginStatus::failure(answer.error());
    co_return PluginStatus();
  }

 private:
  client::Client& client_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_default_binder(const PluginDeps& deps, const std::string&) {
  return std::make_unique<DefaultBinder>(deps.client);
}

}  // namespace pintle::scheduler::plugins
