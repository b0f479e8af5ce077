#include "apimachinery/validation/shown.h"

#include "codec/json_text.h"

namespace pintle::apimachinery {

BadValue shown_object(const api::Type& type, const void* value) {
  std::string json;
  api::encode_json(type, value, json);
  return BadValue::raw(std::move(json));
}

BadValue shown(const FlatMap<std::string>& values) {
  std::string json = "{";
  for (const auto& [name, value] : values) {
    if (json.size() > 1) json += ',';
    codec::append_json_string(name, json);
    json += ':';
    codec::append_json_string(value, json);
  }
  return BadValue::raw(json + "}");
}

}  // namespace pintle::apimachinery
