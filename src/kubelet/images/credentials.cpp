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

// "host:port" in two; without a port "".
std::pair<std::string_view, std::string_view> split_port(std::string_view host) {
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos) return {host, {}};
  return {host.substr(0, colon), host.substr(colon + 1)};
}

// Label by label, as many on both sides; a port is the same on both.
bool host_matches(std::string_view pattern_and_port, std::string_view host_and_port) {
  auto [pattern, pattern_port] = split_port(pattern_and_port);
  auto [host, port] = split_port(host_and_port);
  if (pattern_port != port) return false;
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
  TRY_ASSIGN(out, credentials_of_docker(data->second, config_json));
  for (RegistryCredential& credential : out)
    credential.source.secret = {secret.metadata.uid, secret.metadata.namespace_, secret.metadata.name, credential_hash(credential.auth)};
  return out;
}

RegistryCredential credential_for(std::string_view key, std::string username, std::string password) {
  RegistryCredential out;
  out.pattern = pattern_of(key);
  out.auth.username = std::move(username);
  out.auth.password = std::move(password);
  return out;
}

Result<std::vector<RegistryCredential>> credentials_of_docker(std::string_view json, bool under_auths) {
  std::vector<RegistryCredential> out;
  TRY_ASSIGN(const codec::Value document, codec::parse_json(json));
  const codec::Value* auths = under_auths ? document.find("auths") : &document;
  if (!auths || !auths->is_object()) return out;
  if (auths->as_object().size() > registry_credentials_max)
    return bad_request("more than " + std::to_string(registry_credentials_max) + " registries");
  for (const auto& [key, entry] : auths->as_object()) {
    TRY_ASSIGN(AuthConfig auth, auth_of(entry));
    out.push_back(credential_for(key, std::move(auth.username), std::move(auth.password)));
  }
  return out;
}

bool any_matches(const std::vector<std::string>& patterns, std::string_view image) {
  const auto slash = image.find('/');
  if (slash == std::string_view::npos) return false;
  return std::ranges::any_of(patterns, [&](const auto& pattern) { return matches(pattern, image.substr(0, slash), image.substr(slash + 1)); });
}

// What makes a URL of "https://" and this: no spaces and controls, and a port of digits.
bool is_image_pattern(std::string_view text) {
  if (text.empty() || text.size() > registry_pattern_bytes_max) return false;
  if (std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '#' || c == '%'; })) return false;
  const std::string_view port = split_port(text.substr(0, text.find('/'))).second;
  return std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
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
