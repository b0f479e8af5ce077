#include "apiserver/registry/continue_token.h"

#include "codec/base64.h"
#include "codec/json.h"

namespace pintle::apiserver::registry {

namespace {
constexpr std::string_view token_version = "meta.k8s.io/v1";
constexpr std::size_t token_bytes_max = 4096;
Unexpected<Status> not_valid(std::string why) { return bad_request("continue key is not valid: " + std::move(why)); }
}  // namespace

std::string encode_continue(const ContinueToken& token) {
  std::string json = "{\"v\":\"meta.k8s.io/v1\",\"rv\":" + std::to_string(token.revision) + ",\"start\":";
  codec::append_json(codec::Value(token.start), json);
  json += '}';
  return codec::base64_url(json);
}

Result<ContinueToken> decode_continue(std::string_view text) {
  if (text.size() > token_bytes_max) return not_valid("it is too long");
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  const auto json = codec::decode_base64_url(text);
  if (!json) return not_valid("it is no base64");
  const auto value = codec::parse_json(*json);
  if (!value || !value->is_object()) return not_valid("it holds no object");
  if (value->string_at("v") != token_version) return not_valid("its version is not one of this server");
  const codec::Value* revision = value->find("rv");
  if (revision == nullptr || !revision->is_int()) return not_valid("it holds no revision");
  ContinueToken token{revision->as_int(), std::string(value->string_at("start"))};
  if (token.start.empty()) return not_valid("it holds no start key");
  const std::string rooted = "/" + token.start;
  if (token.start[0] == '/' || rooted.find("/../") != rooted.npos || rooted.find("/./") != rooted.npos)
    return not_valid("its start key is out of the resource");
  return token;
}

}  // namespace pintle::apiserver::registry
