#include "apiserver/endpoints/actions.h"

#include "api/codec.h"
#include "apimachinery/apply/field_manager.h"
#include "apiserver/endpoints/connect_options.h"
#include "apiserver/endpoints/write_request.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/registry/action.h"
#include "apiserver/registry/object_steps.h"
#include "apiserver/registry/resource_codec.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::endpoints {

namespace {

// The body is about the namespace of the path, whether it says so or not; without a subresource it names its object itself.
Result<Unit> address_body(RequestScope& scope, api::Object& body) {
  const api::KindInfo* kind = api::kind_of(body.type());
  if (kind == nullptr || kind->metadata_offset < 0 || kind->is_list) return Unit{};
  auto& meta = registry::object_meta(body);
  if (!scope.ns.empty()) {
    if (meta.namespace_.empty()) meta.namespace_ = scope.ns;
    if (meta.namespace_ != scope.ns) return bad_request("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (scope.subresource.empty()) scope.name = meta.name;
  return Unit{};
}

// Reviews and the like have fields with owners, as objects do.
void track_fields(const RequestScope& scope, const api::GroupVersionKind& kind, api::Object& body) {
  const api::KindInfo* sent = api::kind_of(body.type());
  if (!scope.subresource.empty() || sent == nullptr || sent->metadata_offset < 0 || sent->is_list) return;
  apimachinery::FieldWriter writer;
  const std::string version = api::api_version(kind);
  writer.manager = scope.field_manager;
  writer.api_version = version;
  writer.now = apimachinery::to_api_time(scope.now);
  apimachinery::track_update(api::Object(body.type()), body, writer);
}

}  // namespace

rt::Task<Result<Unit>> Actions::act(exchange::Exchange& exchange, std::shared_ptr<registry::Action> action, const api::KindInfo& kind) {
  CO_TRY_ASSIGN(const exchange::OutputForm form, exchange::negotiate(exchange.request.headers.get("accept"), exchange::Offer{}));
  CO_TRY_ASSIGN(api::Object body, read_object(exchange, kind, WriteKind::Create));
  exchange.scope.name = exchange.scope.subresource.empty() ? "" : exchange.info.name;
  CO_TRY(address_body(exchange.scope, body));
  track_fields(exchange.scope, kind.gvk, body);
  CO_TRY_ASSIGN(const api::Object done, co_await gate_.act(exchange.scope, kind.gvk, *action, std::move(body)));
  const api::KindInfo* shown = api::kind_of(done.type());
  const api::GroupVersionKind gvk = shown ? shown->gvk : kind.gvk;
  co_await exchange::answer(exchange, 201, exchange::content_type(form.media), exchange::encode_answer(form.media, done.type(), done.data(), gvk));
  co_return Unit{};
}

rt::Task<Result<Unit>> Actions::connect(exchange::Exchange& exchange, const api::KindInfo& kind) {
  if (connector_ == nullptr) co_return Unexpected(errors::no_such_route());
  if (exchange.info.subresource == "log") co_return co_await connector_->log(exchange);  // a read: nothing to admit
  CO_TRY_ASSIGN(api::Object options, connect_options(exchange, kind));
  CO_TRY_ASSIGN(registry::Admitted admitted, co_await gate_.connect(exchange.scope, kind.gvk, std::move(options)));
  co_return co_await connector_->serve(exchange, std::move(admitted));
}

}  // namespace pintle::apiserver::endpoints
