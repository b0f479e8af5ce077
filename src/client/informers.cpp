#include "client/informers.h"

namespace pintle::client {

namespace {

std::string key_of(const Resource& resource) { return resource.api_version() + "/" + resource.name + " "; }

}  // namespace

Informers::Informers(Client& client, std::set<std::string, std::less<>> many) : client_(client), many_(std::move(many)) {}
Informers::~Informers() = default;

AnyInformer& Informers::get(const Resource& resource, const api::Type& type, InformerOptions options, std::string name) {
  const std::string key = key_of(resource) + std::string(type.name) + " " + name;
  auto& made = informers_[key];
  if (!made) {
    if (many_.contains(resource.name)) options.decoded_max = decoded_objects_max;
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

AnyInformer* Informers::whole(const Resource& resource) {
  const std::string key = key_of(resource);
  for (auto at = informers_.lower_bound(key); at != informers_.end() && at->first.starts_with(key); ++at)
    if (at->second->has_all()) return at->second.get();
  return nullptr;
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
