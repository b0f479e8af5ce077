// What is no plain verb on a stored object: reviews, bindings, evictions, tokens; streams into pods and proxies; virtual
// resources. Actions and connects leave here through AdmissionGate alone.
#include "apiserver/registry/action.h"
#include "api/codec.h"
#include "apimachinery/apply/field_manager.h"
#include "apiserver/connect/connector.h"
#include "apiserver/endpoints/connect_options.h"
#include "apiserver/endpoints/resource_handler.h"
#include "apiserver/exchange/body.h"
#include "apiserver/registry/object_steps.h"
#include "apiserver/types/errors.h"
#include "codec/json.h"

namespace pintle::apiserver {

namespace {

// The body is about the namespace of the path, whether it says so or not; without a subresource it names its object itself.
Result<Unit> address_body(RequestScope& scope, api::Object& body) {
  const api::KindInfo* kind = api::kind_of(body.type());
  if (kind == nullptr || kind->metadata_offset < 0 || kind->is_list) return Unit{};
  auto& meta = object_meta(body);
  if (!scope.ns.empty()) {
    if (meta.namespace_.empty()) meta.namespace_ = scope.ns;
    if (meta.namespace_ != scope.ns) return bad_request("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (scope.subresource.empty()) scope.name = meta.name;
  return Unit{};
}

}  // namespace

rt::Task<void> ResourceHandler::run_action(Exchange& exchange, std::shared_ptr<Action> action, const api::KindInfo& kind, std::string name) {
  auto form = negotiate(exchange.request.headers.get("accept"), Offer{});
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  auto body = co_await read_object(exchange, kind, WriteKind::Create);
  if (!body) {
    co_await answer_failure(exchange, body.error());
    co_return;
  }
  exchange.scope.name = name;
  const api::KindInfo* sent = api::kind_of(body->type());
  if (const auto addressed = address_body(exchange.scope, *body); !addressed) {
    co_await answer_failure(exchange, addressed.error());
    co_return;
  }
  if (exchange.scope.subresource.empty() && sent != nullptr && sent->metadata_offset >= 0 && !sent->is_list) {
    apimachinery::FieldWriter writer;
    const std::string version = api::api_version(kind.gvk);
    writer.manager = exchange.scope.field_manager;
    writer.api_version = version;
    writer.now = to_api_time(exchange.scope.now);
    apimachinery::track_update(api::Object(body->type()), *body, writer);
  }
  const AdmissionGate gate(registry_.admission());
  auto done = co_await gate.act(exchange.scope, kind.gvk, *action, std::move(*body));
  if (!done) {
    co_await answer_failure(exchange, done.error());
    co_return;
  }
  const api::KindInfo* shown = api::kind_of(done->type());
  const api::GroupVersionKind gvk = shown ? shown->gvk : kind.gvk;
  co_await answer(exchange, 201, content_type(form->media), encode_answer(form->media, done->type(), done->data(), gvk));
}

rt::Task<void> ResourceHandler::run_connect(Exchange& exchange, const api::KindInfo& kind) {
  if (connector_ == nullptr) {
    co_await answer_failure(exchange, errors::no_such_route());
    co_return;
  }
  if (exchange.info.subresource == "log") {  // a read: nothing to admit
    co_await connector_->serve_log(exchange);
    co_return;
  }
  auto options = connect_options(exchange, kind);
  if (!options) {
    co_await answer_failure(exchange, options.error());
    co_return;
  }
  const AdmissionGate gate(registry_.admission());
  auto admitted = co_await gate.connect(exchange.scope, kind.gvk, std::move(*options));
  if (!admitted) {
    co_await answer_failure(exchange, admitted.error());
    co_return;
  }
  co_await connector_->serve(exchange, authorizer_, std::move(*admitted));
}

rt::Task<void> ResourceHandler::get_virtual(Exchange& exchange, Found found) {
  auto form = object_form(exchange, found);
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  VirtualResource& source = *found.resource->definition().virtual_resource;
  if (exchange.info.form == PathForm::Item) {
    auto object = co_await source.get(exchange.scope, exchange.info.name);
    if (!object) {
      co_await answer_failure(exchange, object.error());
      co_return;
    }
    co_await answer_object(exchange, *form, 200, std::move(*object));
    co_return;
  }
  auto objects = co_await source.list(exchange.scope);
  if (!objects) {
    co_await answer_failure(exchange, objects.error());
    co_return;
  }
  if (!exchange.info.name.empty()) std::erase_if(*objects, [&](const api::Object& object) { return object_meta(object).name != exchange.info.name; });
  co_await answer_objects(exchange, *form, {}, *objects);
}

rt::Task<void> ResourceHandler::answer_objects(Exchange& exchange, const ObjectForm& form, api::meta_v1::ListMeta meta,
                                               const std::vector<api::Object>& objects) {
  ObjectForm shown = form;
  if (shown.output.media == Media::Protobuf) {
    std::vector<std::string> encoded;
    std::string items;
    for (const api::Object& object : objects) {
      std::string item;
      api::encode_proto(object.type(), object.data(), item);
      items += static_cast<char>(0x12);
      for (std::size_t n = item.size();; n >>= 7) {
        items += static_cast<char>((n & 0x7f) | (n >= 0x80 ? 0x80 : 0));
        if (n < 0x80) break;
      }
      items += item;
    }
    shown.output.shape = Shape::Object;
    std::string text = list_head(shown, meta, items.size());
    text += items;
    text += list_tail(shown);
    co_await answer(exchange, 200, content_type(Media::Protobuf), Bytes(std::move(text)));
    co_return;
  }
  std::string json = list_head(shown, meta, 0);
  bool first = true;
  for (const api::Object& object : objects) {
    if (!first) json += ',';
    first = false;
    append_item_json(shown, object, json);
  }
  json += "]}";
  co_await answer(exchange, 200, content_type(form.output.media), json_answer(form.output.media, std::move(json)));
}

}  // namespace pintle::apiserver
