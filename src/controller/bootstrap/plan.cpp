#include "controller/bootstrap/plan.h"

#include "codec/base64.h"
#include "component/certificate/keys.h"
#include "controller/objects/json_text.h"
#include "controller/objects/time.h"

namespace pintle::controller::bootstrap {

using api::core_v1::Secret;

namespace {

std::string text_of(const Secret& secret, std::string_view key) {
  const std::string* value = secret.data.get(key);
  return value ? *value : std::string();
}

// RFC 2104, SHA-256.
std::string hmac_sha256(std::string key, std::string_view text) {
  constexpr std::size_t block_bytes = 64;
  if (key.size() > block_bytes) key = component::sha256(key);
  key.resize(block_bytes, '\0');
  std::string inner = key, outer = key;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  return component::sha256(outer + component::sha256(inner + std::string(text)));
}

}  // namespace

std::optional<rt::WallTime> expiration(const Secret& secret) {
  const auto time = api::parse_time(text_of(secret, "expiration"));
  if (!time || time->zero()) return std::nullopt;
  return apimachinery::to_wall_time(*time);
}

std::optional<SigningToken> signing_token(const Secret& secret, rt::WallTime now) {
  SigningToken token{text_of(secret, "token-id"), text_of(secret, "token-secret")};
  if (secret.type != token_secret_type || token.id.empty() || token.secret.empty() || secret.metadata.name != "bootstrap-token-" + token.id)
    return std::nullopt;
  if (text_of(secret, "usage-bootstrap-signing") != "true" || secret.metadata.deletion_timestamp) return std::nullopt;
  if (const auto end = expiration(secret); end && *end <= now) return std::nullopt;
  return token;
}

std::string detached_signature(std::string_view content, const SigningToken& token) {
  const std::string header = codec::base64_url(R"({"alg":"HS256","kid":)" + objects::json_string(token.id) + "}");
  const std::string signature = hmac_sha256(token.secret, header + "." + codec::base64_url(content));
  return header + ".." + codec::base64_url(signature);
}

FlatMap<std::string> signed_data(const FlatMap<std::string>& data, const std::map<std::string, std::string>& tokens) {
  FlatMap<std::string> out;
  for (const auto& [key, value] : data)
    if (!key.starts_with(signature_prefix)) out[key] = value;
  const std::string* content = data.get("kubeconfig");
  if (content == nullptr) return out;
  for (const auto& [id, secret] : tokens) out[std::string(signature_prefix) + id] = detached_signature(*content, {id, secret});
  return out;
}

}  // namespace pintle::controller::bootstrap
