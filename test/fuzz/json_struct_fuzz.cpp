// JSON to a struct of the kind that the first byte chooses: what is accepted survives JSON, protobuf and the transcoder.
#include "api/untrusted.h"
#include "driver.h"
#include "samples.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  if (input.empty()) return;
  const api::KindInfo& kind = kind_by(static_cast<unsigned char>(input[0]));
  const api::Type& type = *kind.type;
  api::Object object(type);
  api::DecodeReport report;
  if (!api::decode_untrusted_json(input.substr(1), type, object.data(), api::Strictness::Collect, &report)) return;
  std::string json, proto, transcoded;
  api::encode_json(type, object.data(), json);
  // Once more: a negative zero (-0e21) settles as 0.
  object = api::Object(type);
  CHECK(api::decode_json(json, type, object.data()).has_value(), "our own JSON decodes");
  json.clear();
  api::encode_json(type, object.data(), json);
  api::encode_proto(type, object.data(), proto);
  api::Object from_json(type), from_proto(type);
  CHECK(api::decode_json(json, type, from_json.data()).has_value(), "our own JSON decodes");
  // By its text: raw members are kept as they came, escapes and all.
  std::string json_again;
  api::encode_json(type, from_json.data(), json_again);
  CHECK(json_again == json, "JSON keeps the object");
  json_again.clear();
  const auto decoded = api::decode_proto(proto, type, from_proto.data());
  if (!decoded) return;  // nested past protobuf's depth
  api::encode_json(type, from_proto.data(), json_again);
  CHECK(json_again == json, "protobuf keeps the object");
  CHECK(api::transcode_json(type, proto, transcoded).has_value() && transcoded == json, "the transcoder writes the same");
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  char choice = 0;
  for (const std::string& json : json_samples()) all.push_back(std::string(1, choice++) + json);
  return all;
}
std::vector<std::string> tokens() { return json_tokens(); }

}  // namespace pintle::fuzz
