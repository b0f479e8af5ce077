#include "client/informers.h"

namespace pintle::client {

Informers::Informers(Client& client) : client_(client) {}
Informers::~Informers() = default;

AnyInformer& Informers::get(const Resource& resource, const api::Type& type, InformerOptions options, std::string name) {
  const std::string key = resource.api_version() + "/" + resource.name + " " + std::string(type.name) + " " + name;
  auto& made = informers_[key];
  if (!made) {
    made = std::make_unique<AnyInformer>(client_, resource, type, std::move(options));
    made->set_owner(owner_);
  }
  return *made;
}

Informer<api::meta_v1::PartialObjectMetadata> Informers::metadata_of(const Resource& resource) {
  InformerOptions all;
  return Informer<api::meta_v1::PartialObjectMetadata>(
      get(resource, api::type_of<api::meta_v1::PartialObjectMetadata>(), std::move(all), std::string()));
}

void Informers::set_owner(std::shared_ptr<HandlerOwner> owner) {
  owner_ = std::move(owner);
  for (auto& [key, informer] : informers_) informer->set_owner(owner_);
}

void Informers::start() {
  for (auto& [key, informer] : informers_) informer->start();
}

rt::Task<Result<Unit>> Informers::wait_synced(rt::Context ctx) {
  for (auto& [key, informer] : informers_) CO_TRY(co_await informer->wait_synced(ctx));
  co_return Unit{};
}

rt::Task<void> Informers::stop() {
  for (auto& [key, informer] : informers_) co_await informer->stop();
}

}  // namespace pintle::client
