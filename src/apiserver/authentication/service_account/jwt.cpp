#include "apiserver/authentication/service_account/jwt.h"

#include <algorithm>

#include "apiserver/authentication/authenticator.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace pintle::apiserver::authentication::service_account {
namespace {

std::optional<codec::Value> decode_part(std::string_view part) {
  const auto json = codec::decode_base64_url(part);
  if (!json) return std::nullopt;
  auto value = codec::parse_json(*json);
  if (!value || !value->is_object()) return std::nullopt;
  return std::move(*value);
}

}  // namespace

std::optional<ParsedToken> parse_token(std::string_view token) {
  if (token.size() > token_bytes_max) return std::nullopt;
  const auto first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  const auto header = decode_part(token.substr(0, first));
  if (!header) return std::nullopt;
  auto claims = decode_part(token.substr(first + 1, second - first - 1));
  if (!claims) return std::nullopt;
  auto signature = codec::decode_base64_url(token.substr(second + 1));
  if (!signature) return std::nullopt;
  ParsedToken out;
  out.algorithm = header->string_at("alg");
  out.key_id = header->string_at("kid");
  out.claims = std::move(*claims);
  out.signed_part = token.substr(0, second);
  out.signature = std::move(*signature);
  return out;
}

KeySet::KeySet(std::vector<component::PublicKey> keys) {
  for (auto& key : keys) {
    const auto same = [&](const component::PublicKey& other) { return other.key_id() == key.key_id(); };
    if (std::none_of(keys_.begin(), keys_.end(), same)) keys_.push_back(std::move(key));
  }
}

Result<Unit> KeySet::verify(const ParsedToken& token) const {
  bool tried = false;
  for (const auto& key : keys_) {
    if (!token.key_id.empty() && key.key_id() != token.key_id) continue;
    tried = true;
    if (key.algorithm() == token.algorithm && key.verify(token.signed_part, token.signature)) return Unit{};
  }
  return unauthorized(tried ? "invalid signature" : "invalid signature, no keys found");
}

}  // namespace pintle::apiserver::authentication::service_account
