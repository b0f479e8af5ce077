#include "kubelet/images/credentials.h"

#include <algorithm>

#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "component/certificate/keys.h"
#include "kubelet/images/glob.h"
#include "kubelet/images/image_name.h"

namespace pintle::kubelet::images {

using api::cri_v1::AuthConfig;

namespace {

constexpr std::string_view hub_key = "index.docker.io";  // how Docker's file names docker.io

// "https://host/v1/" and the like become "host".
std::string pattern_of(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  while (key.ends_with('/')) key.remove_suffix(1);
  for (const std::string_view version : {"/v1", "/v2"}) {
    if (key.ends_with(version)) key.remove_suffix(version.size());
  }
  return std::string(key);
}

Result<AuthConfig> auth_of(const codec::Value& entry) {
  AuthConfig out;
  out.username = entry.string_at("username");
  out.password = entry.string_at("password");
  const std::string_view combined = entry.string_at("auth");
  if (!combined.empty()) {
    const auto decoded = codec::decode_base64(combined);
    const auto colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos) return bad_request("\"auth\" of a pull secret is not the base64 of user:password");
    out.username = decoded->substr(0, colon);
    out.password = decoded->substr(colon + 1);
  }
  return out;
}

// Label by label, as many on both sides.
bool host_matches(std::string_view pattern, std::string_view host) {
  while (true) {
    const auto a = pattern.find('.');
    const auto b = host.find('.');
    if (!glob_matches(pattern.substr(0, a), host.substr(0, b))) return false;
    if ((a == std::string_view::npos) != (b == std::string_view::npos)) return false;
    if (a == std::string_view::npos) return true;
    pattern.remove_prefix(a + 1);
    host.remove_prefix(b + 1);
  }
}

bool matches(std::string_view pattern, std::string_view host, std::string_view path) {
  if (pattern.size() > registry_pattern_bytes_max || host.size() > registry_pattern_bytes_max) return false;
  const auto slash = pattern.find('/');
  if (slash != std::string_view::npos && !path.starts_with(pattern.substr(slash + 1))) return false;
  return host_matches(pattern.substr(0, slash), host);
}

}  // namespace

Result<std::vector<RegistryCredential>> credentials_of(const api::core_v1::Secret& secret) {
  std::vector<RegistryCredential> out;
  const bool config_json = secret.type == "kubernetes.io/dockerconfigjson";
  if (!config_json && secret.type != "kubernetes.io/dockercfg") return out;
  const auto data = secret.data.find(config_json ? ".dockerconfigjson" : ".dockercfg");
  if (data == secret.data.end()) return out;
  TRY_ASSIGN(const codec::Value document, codec::parse_json(data->second));
  const codec::Value* auths = config_json ? document.find("auths") : &document;
  if (!auths || !auths->is_object()) return out;
  if (auths->as_object().size() > registry_credentials_max)
    return bad_request("more than " + std::to_string(registry_credentials_max) + " registries");
  for (const auto& [key, entry] : auths->as_object()) {
    RegistryCredential credential;
    credential.pattern = pattern_of(key);
    TRY_ASSIGN(credential.auth, auth_of(entry));
    credential.source.uid = secret.metadata.uid;
    credential.source.namespace_ = secret.metadata.namespace_;
    credential.source.name = secret.metadata.name;
    credential.source.credential_hash = credential_hash(credential.auth);
    out.push_back(std::move(credential));
  }
  return out;
}

std::vector<RegistryCredential> matching_credentials(const std::vector<RegistryCredential>& all, std::string_view image) {
  std::vector<RegistryCredential> out;
  const auto name = parse_image_name(image);
  if (!name) return out;
  std::vector<const RegistryCredential*> found;
  for (const auto& credential : all) {
    const bool hub = name->registry == "docker.io" && matches(credential.pattern, hub_key, name->repository);
    if (hub || matches(credential.pattern, name->registry, name->repository)) found.push_back(&credential);
  }
  std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) { return a->pattern > b->pattern; });
  for (const auto* credential : found) out.push_back(*credential);
  return out;
}

std::string credential_hash(const AuthConfig& auth) {
  std::string text = "{";
  const auto add = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    text.append(text.size() > 1 ? ",\"" : "\"").append(name).append("\":");
    codec::append_json_string(value, text);
  };
  add("username", auth.username);
  add("password", auth.password);
  return component::hex(component::sha256(text + "}"));
}

}  // namespace pintle::kubelet::images
