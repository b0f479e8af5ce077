// Protobuf to a struct of the kind that the first byte chooses: the transcoder agrees with decoding and encoding.
#include "api/untrusted.h"
#include "codec/bounded_json.h"
#include "codec/json.h"
#include "driver.h"
#include "samples.h"

namespace pintle::fuzz {
namespace {

// As a client's body is decoded: what is taken can be shown and read again.
void check_untrusted(const api::Type& type, std::string_view bytes, bool decodes) {
  api::Object object(type);
  if (!api::decode_untrusted_proto(bytes, type, object.data())) return;
  CHECK(decodes, "what a client may send decodes");
  const auto document = api::to_document(type, object.data());
  if (!document) return;
  CHECK(codec::nesting_of(*document) <= codec::nesting_max + api::envelopes_nested_max * 2, "a document is as deep as others may be");
  std::string json;
  api::encode_json(type, object.data(), json);
  CHECK(codec::parse_json(json).has_value(), "what a client sent is JSON afterwards");
}

}  // namespace

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
  check_untrusted(type, bytes, decoded);
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
  return {std::string("\x0A\x00", 2),
          "\x0A\x01"
          "a",
          "\x12\x02\x0A\x00",
          "\x80\x01",
          "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",
          "\x0B",
          "\x0C",
          "\x08\x01",
          "\x10\x7F",
          std::string("k8s\0", 4)};
}

}  // namespace pintle::fuzz
