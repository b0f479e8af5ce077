#include "component/certificate/web_token.h"

#include "codec/base64.h"
#include "codec/json.h"

namespace pintle::component {

Result<std::string> sign_web_token(const PrivateKey& key, const codec::Value& claims) {
  codec::Value header;
  header["alg"] = key.public_key().algorithm();
  header["kid"] = key.public_key().key_id();
  std::string token = codec::base64_url(codec::to_json(header)) + "." + codec::base64_url(codec::to_json(claims));
  TRY_ASSIGN(const std::string signature, key.sign(token));
  return token + "." + codec::base64_url(signature);
}

}  // namespace pintle::component
