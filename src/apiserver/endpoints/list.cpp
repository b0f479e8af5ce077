// LIST: the page's objects from the cache, streamed a batch at a time.
#include <utility>

#include "apiserver/endpoints/resource_handler.h"
#include "apiserver/exchange/answer_stream.h"
#include "apiserver/types/errors.h"
#include "codec/json.h"

namespace pintle::apiserver {

namespace {
constexpr std::size_t list_text_bytes = 128 << 10;  // of JSON gathered before it is handed on
}  // namespace

Result<Selection> parse_selection(const Resource& resource, const VersionBinding& version, const ListParameters& parameters, std::string_view ns) {
  Selection selection;
  selection.ns = ns;
  auto labels = apimachinery::LabelSelector::parse(parameters.label_selector);
  if (!labels) return bad_request("unable to parse requirement: " + labels.error().message);
  selection.labels = std::move(*labels);
  auto fields = apimachinery::FieldSelector::parse(parameters.field_selector);
  if (!fields) return bad_request(fields.error().message);
  std::vector<apimachinery::FieldRequirement> requirements(fields->requirements().begin(), fields->requirements().end());
  for (auto& requirement : requirements) {
    for (const auto& [here, stored] : version.conversion->field_names)
      if (requirement.field == here) requirement.field = stored;
    bool known = requirement.field == "metadata.name" || (requirement.field == "metadata.namespace" && resource.namespaced());
    for (const SelectableField& field : resource.definition().selectable_fields) known = known || field.name == requirement.field;
    if (!known) return bad_request("field label not supported: " + requirement.field);
  }
  selection.fields = apimachinery::FieldSelector(std::move(requirements));
  return selection;
}

rt::Task<void> ResourceHandler::list(Exchange& exchange, Found found) {
  auto form = object_form(exchange, found);
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  auto parameters = parse_list_parameters(exchange.query, false);
  if (!parameters) {
    co_await answer_failure(exchange, parameters.error());
    co_return;
  }
  auto selection = parse_selection(*found.resource, *found.version, *parameters, exchange.scope.ns);
  if (!selection) {
    co_await answer_failure(exchange, selection.error());
    co_return;
  }
  selection->name = exchange.info.name;  // what the field selector demands
  auto listed = co_await found.store->list(exchange.ctx, std::move(*selection), std::move(*parameters));
  if (!listed) {
    co_await answer_failure(exchange, listed.error());
    co_return;
  }
  co_await answer_list(exchange, *form, std::move(*listed));
}

rt::Task<void> ResourceHandler::answer_list(Exchange& exchange, const ObjectForm& form, ListAnswer listed) {
  if (listed.expired) {
    co_await answer_failure(exchange, errors::expired_continue(), std::move(listed.continue_token));
    co_return;
  }
  api::meta_v1::ListMeta meta;
  meta.resource_version = std::to_string(listed.revision);
  meta.continue_ = listed.continue_token;
  meta.remaining_item_count = listed.remaining;
  const bool proto = form.output.media == Media::Protobuf;
  std::size_t items_bytes = 0;
  std::size_t expected_bytes = 0;
  for (const auto& item : listed.items) {
    if (proto) items_bytes += proto_item_bytes(form, *item);
    expected_bytes += item->wire().size();
  }
  if (form.output.media == Media::Yaml) {
    std::string json = list_head(form, meta, 0);
    for (std::size_t i = 0; i < listed.items.size(); ++i) {
      if (i > 0) json += ',';
      append_list_item(form, *listed.items[i], json);
    }
    json += list_tail(form);
    co_await answer(exchange, 200, content_type(Media::Yaml), json_answer(Media::Yaml, std::move(json)));
    co_return;
  }
  AnswerStream stream(exchange, content_type(form.output.media), proto ? items_bytes : expected_bytes);
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
    if (!sent) co_return;
  }
  text += list_tail(form);
  stream.add(Bytes(std::move(text)));
  (void)co_await stream.flush(true);
}

}  // namespace pintle::apiserver
