#include "apiserver/endpoints/object_answers.h"

#include <utility>

#include "api/codec.h"
#include "apiserver/exchange/answer_stream.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::endpoints {

namespace {

constexpr std::size_t list_text_bytes = 128 << 10;  // of JSON gathered before it is handed on

// What an object's pieces lack for the body of an answer.
void finish_body(exchange::Media media, std::vector<Bytes>& pieces) {
  if (media == exchange::Media::Yaml) {
    std::string json;
    for (const Bytes& piece : pieces) json += piece.view();
    pieces.clear();
    pieces.push_back(exchange::json_answer(exchange::Media::Yaml, std::move(json)));
  } else if (media == exchange::Media::Json) {
    pieces.push_back(Bytes::literal("\n"));
  }
}

// A list that is turned into YAML is made whole first.
Bytes yaml_list(const ObjectForm& form, const api::meta_v1::ListMeta& meta, const registry::ListAnswer& listed) {
  std::string json = list_head(form, meta, 0);
  for (std::size_t i = 0; i < listed.items.size(); ++i) {
    if (i > 0) json += ',';
    append_list_item(form, *listed.items[i], json);
  }
  json += list_tail(form);
  return exchange::json_answer(exchange::Media::Yaml, std::move(json));
}

std::string proto_objects(const ObjectForm& form, const std::vector<api::Object>& objects) {
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
  std::string text = list_head(form, {}, items.size());
  text += items;
  text += list_tail(form);
  return text;
}

std::string json_objects(const ObjectForm& form, const std::vector<api::Object>& objects) {
  std::string json = list_head(form, {}, 0);
  bool first = true;
  for (const api::Object& object : objects) {
    if (!first) json += ',';
    first = false;
    append_item_json(form, object, json);
  }
  json += "]}";
  return json;
}

}  // namespace

Result<ObjectForm> object_form(const exchange::Exchange& exchange, const registry::InstalledRegistry::Found& found) {
  ObjectForm form;
  TRY_ASSIGN(form.output,
             exchange::negotiate(exchange.request.headers.get("accept"),
                                 exchange::Offer{.yaml = true, .protobuf = found.version->shape == nullptr, .table = true, .partial = true}));
  form.resource = found.resource;
  form.codec = found.store ? &found.store->codec() : nullptr;
  form.version = found.version;
  form.now = exchange.scope.now;
  if (form.output.shape != exchange::Shape::Table) return form;
  const std::string_view include = exchange.query.get("includeObject");
  if (include == "None") {
    form.include = IncludeObject::None;
  } else if (include == "Object") {
    form.include = IncludeObject::Object;
  } else if (!include.empty() && include != "Metadata") {
    return bad_request("includeObject must be one of Metadata, None, Object");
  }
  return form;
}

std::vector<Bytes> object_body(const ObjectForm& form, const storage::CachedObject& object) {
  std::vector<Bytes> pieces;
  append_object(form, object, true, pieces);
  finish_body(form.output.media, pieces);
  return pieces;
}

rt::Task<Result<Unit>> answer_object(exchange::Exchange& exchange, const ObjectForm& form, int code, api::Object object) {
  std::vector<Bytes> pieces;
  CO_TRY(append_object(form, object, pieces));
  finish_body(form.output.media, pieces);
  co_await exchange::answer_pieces(exchange, code, exchange::content_type(form.output.media), std::move(pieces));
  co_return Unit{};
}

rt::Task<Result<Unit>> answer_written(exchange::Exchange& exchange, const ObjectForm& form, int code, registry::Written written) {
  // The bytes that are stored are the answer; no other encoding of them is made for it, as the cache would keep it.
  const bool as_stored = written.cached != nullptr && form.version->is_storage && form.version->shape == nullptr &&
                         form.output.shape == exchange::Shape::Object && form.output.media == exchange::Media::Protobuf;
  if (!as_stored) co_return co_await answer_object(exchange, form, code, std::move(written.object));
  co_await exchange::answer_pieces(exchange, code, exchange::content_type(form.output.media), object_body(form, *written.cached));
  co_return Unit{};
}

rt::Task<Result<Unit>> answer_list(exchange::Exchange& exchange, const ObjectForm& form, registry::ListAnswer listed) {
  if (listed.expired) {  // the one failure that leads on
    co_await exchange::answer_failure(exchange, errors::expired_continue(), std::move(listed.continue_token));
    co_return Unit{};
  }
  api::meta_v1::ListMeta meta;
  meta.resource_version = std::to_string(listed.revision);
  meta.continue_ = listed.continue_token;
  meta.remaining_item_count = listed.remaining;
  if (form.output.media == exchange::Media::Yaml) {
    co_await exchange::answer(exchange, 200, exchange::content_type(exchange::Media::Yaml), yaml_list(form, meta, listed));
    co_return Unit{};
  }
  const bool proto = form.output.media == exchange::Media::Protobuf;
  std::size_t items_bytes = 0;
  std::size_t expected_bytes = 0;
  for (const auto& item : listed.items) {
    if (proto) items_bytes += proto_item_bytes(form, *item);
    expected_bytes += item->wire().size();
  }
  exchange::AnswerStream stream(exchange, exchange::content_type(form.output.media), proto ? items_bytes : expected_bytes);
  std::string text = list_head(form, meta, items_bytes);
  if (proto) stream.add(Bytes(std::exchange(text, {})));
  std::vector<Bytes> pieces;
  for (std::size_t i = 0; i < listed.items.size(); ++i) {
    if (proto) {
      pieces.clear();
      append_proto_item(form, *listed.items[i], pieces);
      for (Bytes& piece : pieces) stream.add(std::move(piece));
    } else {
      if (i > 0) text += ',';
      append_list_item(form, *listed.items[i], text);
      if (text.size() >= list_text_bytes) {
        stream.add(Bytes(std::move(text)));
        text = std::string();
        text.reserve(list_text_bytes + list_text_bytes / 8);
      }
    }
    listed.items[i].reset();
    if (!stream.full()) continue;
    auto sent = co_await stream.flush(false);
    if (!sent) co_return Unit{};
  }
  text += list_tail(form);
  stream.add(Bytes(std::move(text)));
  (void)co_await stream.flush(true);
  co_return Unit{};
}

rt::Task<Result<Unit>> answer_objects(exchange::Exchange& exchange, const ObjectForm& form, std::vector<api::Object> objects) {
  ObjectForm shown = form;
  const exchange::Media media = form.output.media;
  if (media == exchange::Media::Protobuf) {
    shown.output.shape = exchange::Shape::Object;
    co_await exchange::answer(exchange, 200, exchange::content_type(media), Bytes(proto_objects(shown, objects)));
  } else {
    co_await exchange::answer(exchange, 200, exchange::content_type(media), exchange::json_answer(media, json_objects(shown, objects)));
  }
  co_return Unit{};
}

}  // namespace pintle::apiserver::endpoints
