#include <algorithm>
#include <set>

#include "apiserver/authentication/service_account/issuer.h"
#include "codec/json_text.h"

namespace pintle::apiserver::authentication::service_account {
namespace {

// The members stand in the order in which upstream writes them.
class JsonObject {
 public:
  void add(std::string_view name, std::string_view text) {
    if (text.empty()) return;
    begin(name);
    codec::append_json_string(text, out_);
  }
  void add(std::string_view name, const std::vector<std::string>& list) {
    begin(name);
    out_ += '[';
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out_ += ',';
      codec::append_json_string(list[i], out_);
    }
    out_ += ']';
  }
  std::string finish() { return std::move(out_ += '}'); }

 private:
  void begin(std::string_view name) {
    if (out_.size() > 1) out_ += ',';
    codec::append_json_string(name, out_);
    out_ += ':';
  }
  std::string out_ = "{";
};

std::string jwks_of(const KeySet& keys) {
  std::string out = "{\"keys\":[";
  for (const auto& key : keys.keys()) {
    if (out.back() == '}') out += ',';
    const component::JsonWebKey jwk = key.json_web_key();
    JsonObject object;
    object.add("use", "sig");
    object.add("kty", jwk.kty);
    object.add("kid", key.key_id());
    object.add("crv", jwk.crv);
    object.add("alg", key.algorithm());
    object.add("x", jwk.x);
    object.add("y", jwk.y);
    object.add("n", jwk.n);
    object.add("e", jwk.e);
    out += object.finish();
  }
  return out + "]}";
}

}  // namespace

Result<OpenIdDocuments> make_openid_documents(const std::string& issuer, const std::string& jwks_uri, const std::string& external_host,
                                              const KeySet& keys) {
  if (!issuer.starts_with("https://")) return bad_request("the issuer URL must use the https scheme: " + issuer);
  if (issuer.find_first_of("?#") != std::string::npos) return bad_request("the issuer URL must have neither a query nor a fragment: " + issuer);
  if (!jwks_uri.empty() && !jwks_uri.starts_with("https://")) return bad_request("the JWKS URI must use the https scheme: " + jwks_uri);
  if (keys.keys().empty()) return bad_request("there is no key to publish");
  std::set<std::string> algorithms;
  for (const auto& key : keys.keys()) algorithms.emplace(key.algorithm());
  JsonObject configuration;
  configuration.add("issuer", issuer);
  configuration.add("jwks_uri", jwks_uri.empty() ? "https://" + external_host + std::string(jwks_path) : jwks_uri);
  configuration.add("response_types_supported", std::vector<std::string>{"id_token"});
  configuration.add("subject_types_supported", std::vector<std::string>{"public"});
  configuration.add("id_token_signing_alg_values_supported", std::vector<std::string>(algorithms.begin(), algorithms.end()));
  return OpenIdDocuments{configuration.finish(), jwks_of(keys)};
}

}  // namespace pintle::apiserver::authentication::service_account
