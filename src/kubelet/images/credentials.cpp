#include "kubelet/images/credentials.h"

#include <algorithm>

#include "codec/base64.h"
#include "codec/json.h"
#include "kubelet/images/image_name.h"

namespace pintle::kubelet {

using api::cri_v1::AuthConfig;

namespace {

constexpr std::string_view hub_key = "index.docker.io";   // how Docker's file names docker.io

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
    if (colon == std::string::npos) return bad_request("unable to parse auth field, must be formatted as base64(username:password)");
    out.username = decoded->substr(0, colon);
    out.password = decoded->substr(colon + 1);
  }
  return out;
}

bool label_matches(std::string_view pattern, std::string_view label) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == label;
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  if (label.size() < head.size() + tail.size() || !label.starts_with(head)) return false;
  label.remove_prefix(head.size());
  if (tail.find('*') == std::string_view::npos) return label.ends_with(tail);
  for (std::size_t i = 0; i <= label.size(); ++i) {
    if (label_matches(tail, label.substr(i))) return true;
  }
  return false;
}

// Label by label, as many on both sides.
bool host_matches(std::string_view pattern, std::string_view host) {
  while (true) {
    const auto a = pattern.find('.');
    const auto b = host.find('.');
    if (!label_matches(pattern.substr(0, a), host.substr(0, b))) return false;
    if ((a == std::string_view::npos) != (b == std::string_view::npos)) return false;
    if (a == std::string_view::npos) return true;
    pattern.remove_prefix(a + 1);
    host.remove_prefix(b + 1);
  }
}

bool matches(std::string_view pattern, std::string_view host, std::string_view path) {
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
  for (const auto& [key, entry] : auths->as_object()) {
    RegistryCredential credential;
    credential.pattern = pattern_of(key);
    TRY_ASSIGN(credential.auth, auth_of(entry));
    out.push_back(std::move(credential));
  }
  return out;
}

std::vector<AuthConfig> matching_credentials(const std::vector<RegistryCredential>& all, std::string_view image) {
  std::vector<AuthConfig> out;
  const auto name = parse_image_name(image);
  if (!name) return out;
  std::vector<const RegistryCredential*> found;
  for (const auto& credential : all) {
    const bool hub = name->registry == "docker.io" && matches(credential.pattern, hub_key, name->repository);
    if (hub || matches(credential.pattern, name->registry, name->repository)) found.push_back(&credential);
  }
  std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) { return a->pattern > b->pattern; });
  for (const auto* credential : found) out.push_back(credential->auth);
  return out;
}

}  // namespace pintle::kubelet
