#include "kubelet/images/credential_configuration.h"

#include <algorithm>
#include <array>
#include <set>

#include "api/codec.h"
#include "apimachinery/validation/formats.h"
#include "base/strings.h"
#include "codec/yaml.h"
#include "component/certificate/keys.h"
#include "kubelet/images/credentials.h"

namespace pintle::kubelet::images {

namespace {

using api::kubeletconfig_v1::CredentialProvider;
using api::kubeletconfig_v1::CredentialProviderConfig;
using api::kubeletconfig_v1::ServiceAccountTokenAttributes;

constexpr std::size_t file_bytes_max = 1 << 20;
constexpr std::array<std::string_view, 3> config_versions = {"kubelet.config.k8s.io/v1", "kubelet.config.k8s.io/v1beta1",
                                                             "kubelet.config.k8s.io/v1alpha1"};
constexpr std::array<std::string_view, 3> interfaces = {credential_interface_v1, "credentialprovider.kubelet.k8s.io/v1beta1",
                                                        "credentialprovider.kubelet.k8s.io/v1alpha1"};

Unexpected<Status> bad(std::string_view where, std::string_view why) {
  return error(Reason::Invalid, "configuration of credential providers: " + std::string(where) + ": " + std::string(why));
}

Result<std::vector<std::string>> files_of(rt::Disk& disk, const std::string& path) {
  auto there = disk.stat(path);
  if (!there) return bad(path, there.error().message);
  if (!there->directory) return std::vector<std::string>{path};
  auto names = disk.list(path);
  if (!names) return bad(path, names.error().message);
  std::vector<std::string> out;
  for (const std::string& name : *names) {
    const bool taken = std::ranges::any_of(std::array<std::string_view, 3>{".json", ".yaml", ".yml"}, [&](auto end) { return name.ends_with(end); });
    if (!taken) continue;
    auto file = disk.stat(path + "/" + name);
    if (!file) return bad(path + "/" + name, file.error().message);
    if (!file->directory) out.push_back(path + "/" + name);
  }
  if (out.empty()) return bad(path, "no *.json, *.yaml or *.yml in this folder");
  std::ranges::sort(out);
  return out;
}

Result<CredentialProviderConfig> decode(const std::string& file, const std::string& text) {
  auto value = codec::parse_yaml(text);
  if (!value) return bad(file, value.error().message);
  if (!value->is_object()) return bad(file, "not an object");
  const std::string_view version = value->string_at("apiVersion");
  if (value->string_at("kind") != "CredentialProviderConfig" || std::ranges::find(config_versions, version) == config_versions.end())
    return bad(file, "must be kind CredentialProviderConfig of apiVersion " + std::string(config_versions[0]));
  CredentialProviderConfig out;
  api::DecodeReport report;
  if (auto done = api::decode_value(*value, api::type_of<CredentialProviderConfig>(), &out, api::Strictness::Collect, &report); !done)
    return bad(file, done.error().message);
  if (!report.problems.empty()) return bad(file, report.problems.front());
  if (version == config_versions[0]) return out;
  for (const CredentialProvider& provider : out.providers)
    if (provider.token_attributes) return bad(file, "unknown field \"providers[].tokenAttributes\" in " + std::string(version));
  return out;
}

Result<Unit> check_keys(const std::string& field, const std::vector<std::string>& keys, std::set<std::string>& seen) {
  for (const std::string& key : keys) {
    if (const auto faults = apimachinery::check_qualified_name(to_lower(key)); !faults.empty())
      return bad(field, "\"" + key + "\": " + faults.front());
    if (!seen.insert(key).second) return bad(field, "\"" + key + "\" is there twice");
  }
  return Unit{};
}

Result<Unit> check_token(const std::string& field, const CredentialProvider& provider, bool tokens) {
  const ServiceAccountTokenAttributes& token = *provider.token_attributes;
  if (!tokens) return bad(field, "KubeletServiceAccountTokenForCredentialProviders is off");
  if (provider.api_version != credential_interface_v1) return bad(field, "only with apiVersion " + std::string(credential_interface_v1));
  if (token.service_account_token_audience.empty()) return bad(field + ".serviceAccountTokenAudience", "is required");
  if (!token.require_service_account) return bad(field + ".requireServiceAccount", "is required");
  if (token.cache_type != "Token" && token.cache_type != "ServiceAccount")
    return bad(field + ".cacheType", "\"" + token.cache_type + "\" is none of \"ServiceAccount\", \"Token\"");
  if (!*token.require_service_account && !token.required_service_account_annotation_keys.empty())
    return bad(field + ".requiredServiceAccountAnnotationKeys", "requireServiceAccount is false");
  std::set<std::string> seen;
  TRY(check_keys(field + ".requiredServiceAccountAnnotationKeys", token.required_service_account_annotation_keys, seen));
  return check_keys(field + ".optionalServiceAccountAnnotationKeys", token.optional_service_account_annotation_keys, seen);
}

Result<Unit> check(const CredentialProvider& provider, bool tokens) {
  const std::string& name = provider.name;
  if (name.empty() || name == "." || name == ".." || name.find_first_of("/ ") != std::string::npos)
    return bad("providers[].name", "\"" + name + "\" is no file's name without '/' and spaces");
  const std::string field = "providers[" + name + "]";
  if (std::ranges::find(interfaces, provider.api_version) == interfaces.end())
    return bad(field + ".apiVersion", "\"" + provider.api_version + "\" is none of credentialprovider.kubelet.k8s.io/v1, /v1beta1, /v1alpha1");
  if (provider.match_images.empty()) return bad(field + ".matchImages", "is required");
  for (const std::string& image : provider.match_images)
    if (!is_image_pattern(image)) return bad(field + ".matchImages", "\"" + image + "\" is no HOST[:PORT][/PATH]");
  if (!provider.default_cache_duration) return bad(field + ".defaultCacheDuration", "is required");
  if (provider.default_cache_duration->nanos < 0) return bad(field + ".defaultCacheDuration", "is less than 0");
  return provider.token_attributes ? check_token(field + ".tokenAttributes", provider, tokens) : Result<Unit>(Unit{});
}

}  // namespace

Result<CredentialConfiguration> read_credential_configuration(rt::Disk& disk, const std::string& path, const std::string& bin_dir, bool tokens) {
  CredentialConfiguration out;
  out.bin_dir = bin_dir;
  if (auto there = disk.stat(bin_dir); !there || !there->directory) return bad(bin_dir, "is no folder (--image-credential-provider-bin-dir)");
  TRY_ASSIGN(const auto files, files_of(disk, path));
  std::string hashed;
  for (const std::string& file : files) {
    auto text = disk.read(file, file_bytes_max);
    if (!text) return bad(file, text.error().message);
    for (int shift = 56; shift >= 0; shift -= 8) hashed += static_cast<char>(text->size() >> shift);
    hashed += *text;
    TRY_ASSIGN(auto one, decode(file, *text));
    std::ranges::move(one.providers, std::back_inserter(out.providers));
  }
  if (out.providers.empty()) return bad(path, "providers: at least one is required");
  std::set<std::string> names;
  for (const CredentialProvider& provider : out.providers) {
    TRY(check(provider, tokens));
    if (!names.insert(provider.name).second) return bad("providers[].name", "\"" + provider.name + "\" is there twice");
    const std::string program = bin_dir + "/" + provider.name;
    const auto there = disk.stat(program);
    if (!there || there->directory || (there->mode & 0111) == 0) return bad(program, "is no program");
  }
  out.hash = "sha256:" + component::hex(component::sha256(hashed));
  return out;
}

}  // namespace pintle::kubelet::images
