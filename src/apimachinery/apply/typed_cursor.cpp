#include "apimachinery/apply/typed_cursor.h"

#include <algorithm>
#include <array>

#include "api/json_encode.h"
#include "api/untrusted.h"
#include "api/values.h"
#include "apimachinery/apply/path_element.h"
#include "codec/json.h"

namespace pintle::apimachinery {
namespace {

// `names` in order, in `storage` if they are not.
std::span<const std::string_view> sorted_names(std::span<const std::string_view> names, std::vector<std::string_view>& storage) {
  if (std::is_sorted(names.begin(), names.end())) return names;
  storage.assign(names.begin(), names.end());
  std::ranges::sort(storage);
  return storage;
}

// Time and raw JSON write null where they hold nothing.
bool is_null(const api::Type& type, const void* at) {
  switch (type.kind) {
    case api::Kind::Time:
    case api::Kind::MicroTime: return static_cast<const api::Time*>(at)->zero();
    case api::Kind::RawExtension: return static_cast<const api::RawExtension*>(at)->raw.empty();
    case api::Kind::List: return type.list->size(at) == 0;
    case api::Kind::Map: return type.map->size(at) == 0;
    default: return false;
  }
}

}  // namespace

TypedCursor::TypedCursor(const api::Type& type, const void* at, const api::Field* field) : type_(&type), at_(at), field_(field) {
  while (type_->pointer != nullptr) {
    if (at_ != nullptr) at_ = type_->pointer->get(const_cast<void*>(at_));
    type_ = type_->elem;
  }
  if (at_ != nullptr && is_null(*type_, at_)) at_ = nullptr;
}

bool TypedCursor::present(const api::Field& field, const void* object) {
  const void* at = api::field_address(object, field);
  if (field.omit_empty && api::is_empty(*field.type, at)) return false;
  return !(field.omit_zero && api::is_zero(*field.type, at));
}

std::size_t TypedCursor::size() const {
  if (at_ == nullptr) return 0;
  switch (type_->kind) {
    case api::Kind::List: return type_->list->size(at_);
    case api::Kind::Map: return type_->map->size(at_);
    case api::Kind::Struct: return static_cast<std::size_t>(std::ranges::any_of(type_->fields, [&](const api::Field& f) { return present(f, at_); }));
    default: return 0;
  }
}

bool TypedCursor::equals(const TypedCursor& other) const {
  if (at_ == nullptr || other.at_ == nullptr) return at_ == other.at_;
  return api::equal(*type_, at_, other.at_);
}

TypedCursor TypedCursor::element(std::size_t i) const { return TypedCursor(*type_->elem, type_->list->at(const_cast<void*>(at_), i)); }

codec::Value TypedCursor::value() const {
  if (at_ == nullptr) return {};
  auto document = api::to_document(*type_, at_);
  return document ? std::move(*document) : codec::Value();
}

std::string TypedCursor::element_key(std::size_t i) const {
  const TypedCursor item = element(i);
  if (shape() == Shape::SetList) return path_element::value(item.value());
  std::string key = path_element::begin_keys();
  std::vector<std::string_view> storage;
  for (const std::string_view name : sorted_names(field_->list_map_keys, storage)) {
    const api::Field* field = item.type_->find_field(name);
    if (field == nullptr || item.at_ == nullptr) continue;
    const TypedCursor value(*field->type, api::field_address(item.at_, *field), field);
    if (value.at_ != nullptr && present(*field, item.at_)) {
      if (value.type_->kind == api::Kind::String) {
        path_element::add_key(key, name, std::string_view(*static_cast<const std::string*>(value.at_)));
      } else {
        path_element::add_key(key, name, value.value());
      }
    } else if (field->default_published) {
      if (const auto fallback = codec::parse_json(field->default_json)) path_element::add_key(key, name, *fallback);
    }
  }
  return key;
}

}  // namespace pintle::apimachinery
