// Protobuf to a struct of the kind that the first byte chooses: the transcoder agrees with decoding and encoding.
#include "driver.h"
#include "samples.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  if (input.empty()) return;
  const api::KindInfo& kind = kind_by(static_cast<unsigned char>(input[0]));
  const api::Type& type = *kind.type;
  const std::string_view bytes = input.substr(1);
  api::Object object(type);
  std::string json, proto, again, transcoded;
  const bool decoded = api::decode_proto(bytes, type, object.data()).has_value();
  const bool transcodes = api::transcode_json(type, bytes, transcoded).has_value();
  CHECK(decoded == transcodes, "decoder and transcoder take the same");
  if (!decoded) return;
  api::encode_json(type, object.data(), json);
  CHECK(json == transcoded, "the transcoder writes what the encoder writes");
  api::encode_proto(type, object.data(), proto);
  api::Object back(type);
  CHECK(api::decode_proto(proto, type, back.data()).has_value(), "our own protobuf decodes");
  api::encode_proto(type, back.data(), again);
  CHECK(again == proto, "protobuf is stable");
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  char choice = 0;
  for (const std::string& json : json_samples()) {
    const api::Type& type = *kind_by(static_cast<unsigned char>(choice)).type;
    api::Object object(type);
    CHECK(api::decode_json(json, type, object.data()).has_value(), "a sample decodes");
    std::string text(1, choice++);
    api::encode_proto(type, object.data(), text);
    all.push_back(std::move(text));
  }
  return all;
}
std::vector<std::string> tokens() {
  return {std::string("\x0A\x00", 2), "\x0A\x01" "a", "\x12\x02\x0A\x00", "\x80\x01", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "\x0B", "\x0C", "\x08\x01", "\x10\x7F", std::string("k8s\0", 4)};
}

}  // namespace pintle::fuzz
