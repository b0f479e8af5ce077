// JSON Web Tokens in compact form (RFC 7519, 7515): taken apart and verified. Claims stay a JSON value.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/value.h"
#include "component/certificate/keys.h"

namespace pintle::apiserver::authentication::service_account {

constexpr std::size_t token_bytes_max = 64 << 10;  // a longer token is none

struct ParsedToken {
  std::string algorithm;
  std::string key_id;
  codec::Value claims;
  std::string_view signed_part;  // into the token
  std::string signature;
};
// nullopt: not a JWT. Nothing of it is trusted yet.
std::optional<ParsedToken> parse_token(std::string_view token);

// Public keys by the name that upstream gives them.
class KeySet {
 public:
  KeySet() = default;
  explicit KeySet(std::vector<component::PublicKey> keys);  // each once
  const std::vector<component::PublicKey>& keys() const { return keys_; }
  // Unauthorized if no key made the signature. A token that names its key is checked against that one alone.
  Result<Unit> verify(const ParsedToken& token) const;

 private:
  std::vector<component::PublicKey> keys_;
};

}  // namespace pintle::apiserver::authentication::service_account
