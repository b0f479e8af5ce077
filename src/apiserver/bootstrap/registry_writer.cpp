#include "apiserver/bootstrap/registry_writer.h"

#include "apimachinery/apply/field_manager.h"
#include "apimachinery/clock_time.h"

namespace pintle::apiserver::bootstrap {

rt::Task<Result<Unit>> RegistryWriter::create(rt::Context ctx, GroupResource resource, std::string ns, api::Object object) {
  const auto store = registry_.find(resource);
  if (store == nullptr) co_return Unit{};  // a resource that this build does not serve
  RequestScope scope = registry_.own_scope(ctx);
  const std::string version = api::api_version(api::kind_of(object.type())->gvk);
  apimachinery::FieldWriter writer;
  writer.manager = "kube-apiserver";
  writer.api_version = version;
  writer.now = apimachinery::to_api_time(scope.now);
  writer.reset_fields = &store->resource().reset_fields(nullptr);
  apimachinery::track_update(api::Object(object.type()), object, writer);
  CO_TRY(co_await registry_.create(scope, std::move(resource), std::move(ns), std::move(object)));
  co_return Unit{};
}

rt::Task<Result<Unit>> RegistryWriter::update(rt::Context ctx, GroupResource resource, std::string ns, std::string name, std::string subresource,
                                              std::function<Result<Unit>(api::Object&)> mutation) {
  RequestScope scope = registry_.own_scope(ctx);
  CO_TRY(co_await registry_.update(scope, std::move(resource), std::move(ns), std::move(name), std::move(subresource), std::move(mutation)));
  co_return Unit{};
}

}  // namespace pintle::apiserver::bootstrap
