// What reads objects without decoding them: envelope, header, field by path, version splices, the JSON peek, paths.
#include "api/header.h"
#include "api/path.h"
#include "codec/json.h"
#include "driver.h"
#include "samples.h"

namespace pintle::fuzz {
namespace {

void check_message(const api::Type& type, std::string_view bytes) {
  (void)api::read_proto_header(bytes);
  api::Object object(type);
  const bool decodes = api::decode_proto(bytes, type, object.data()).has_value();
  const auto spliced = api::with_resource_version(type, bytes, "77");
  for (std::string_view path :
       {"metadata.name", "metadata.labels['app']", "spec.nodeName", "spec.containers[1].image", "status.phase", "metadata.resourceVersion"})
    (void)api::proto_field(type, bytes, path);
  if (!decodes) return;
  CHECK(spliced.has_value(), "what decodes can be spliced");
  api::Object changed(type);
  CHECK(api::decode_proto(*spliced, type, changed.data()).has_value(), "a splice decodes");
}

}  // namespace

void one(std::string_view input) {
  (void)api::parse_path(input);
  (void)api::peek_json(input);
  const api::Type& type = *kind_by(0).type;
  if (const auto spliced = api::with_resource_version_json(&type, input, "77"))
    CHECK(codec::parse_json(*spliced).has_value() == codec::parse_json(input).has_value(), "a splice changes nothing else");
  (void)api::with_resource_version_json(nullptr, input, "77");
  check_message(type, input);
  if (const auto envelope = api::decode_envelope(input)) check_message(type, envelope->raw);
}

std::vector<std::string> seeds() {
  std::vector<std::string> all = json_samples();
  const api::KindInfo& kind = kind_by(0);
  api::Object object(*kind.type);
  CHECK(api::decode_json(test::sample_pod, *kind.type, object.data()).has_value(), "the sample decodes");
  std::string bytes;
  api::encode_proto(*kind.type, object.data(), bytes);
  all.push_back(api::encode_envelope(kind.gvk, bytes));
  all.push_back(std::move(bytes));
  all.emplace_back("spec.containers[0].image");
  all.emplace_back("metadata.labels['a.b/c']");
  return all;
}
std::vector<std::string> tokens() {
  return {"\"resourceVersion\":\"1\"", "\"metadata\":{", "{}", ".", "[0]", "['", "\x32\x01", "\x0A\x02", std::string("k8s\0", 4)};
}

}  // namespace pintle::fuzz
