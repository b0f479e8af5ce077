#include "client/kubeconfig.h"

#include <algorithm>
#include <cstdlib>

#include "api/codec.h"
#include "api/gen/kubeconfig_v1.h"
#include "client/exec_credential.h"
#include "codec/base64.h"
#include "codec/yaml.h"
#include "component/certificate/certificate.h"

namespace pintle::client {

namespace {

using api::kubeconfig_v1::AuthInfo;
using api::kubeconfig_v1::Cluster;
using api::kubeconfig_v1::Config;

constexpr std::size_t credentials_bytes_max = 1 << 20;  // of a file with a certificate, a key or a token
constexpr const char* account_folder = "/var/run/secrets/kubernetes.io/serviceaccount/";

template <class Named>
const Named* find_named(const std::vector<Named>& all, std::string_view name) {
  for (const Named& one : all) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

// Paths in a kubeconfig are relative to it.
std::string beside(const std::string& directory, const std::string& path) {
  return path.empty() || path.starts_with('/') ? path : directory + "/" + path;
}

void use_cluster(const Cluster& cluster, const std::string& directory, ConnectionConfig& out) {
  out.client.server = cluster.server;
  while (out.client.server.ends_with('/')) out.client.server.pop_back();
  out.tls.server_name = cluster.tls_server_name;
  out.tls.insecure_skip_verify = cluster.insecure_skip_tls_verify;
  out.tls.ca_pem = cluster.certificate_authority_data;
  if (out.tls.ca_pem.empty()) out.tls.ca_file = beside(directory, cluster.certificate_authority);
}

using Headers = std::vector<std::pair<std::string, std::string>>;

void use_impersonation(const AuthInfo& user, Headers& headers) {
  if (!user.as.empty()) headers.emplace_back("Impersonate-User", user.as);
  if (!user.as_uid.empty()) headers.emplace_back("Impersonate-Uid", user.as_uid);
  for (const auto& group : user.as_groups) headers.emplace_back("Impersonate-Group", group);
  for (const auto& [key, values] : user.as_user_extra) {
    for (const auto& value : values) headers.emplace_back("Impersonate-Extra-" + key, value);
  }
}

std::string basic(const AuthInfo& user) { return "Basic " + codec::base64(user.username + ":" + user.password); }

void use_user(const AuthInfo& user, const Cluster& cluster, const std::string& directory, ConnectionConfig& out) {
  out.tls.cert_pem = user.client_certificate_data;
  if (out.tls.cert_pem.empty()) out.tls.cert_file = beside(directory, user.client_certificate);
  out.tls.key_pem = user.client_key_data;
  if (out.tls.key_pem.empty()) out.tls.key_file = beside(directory, user.client_key);
  out.client.bearer_token = user.token;
  if (user.token.empty()) out.client.bearer_token_file = beside(directory, user.token_file);
  if (user.exec) out.client.token_source = exec_token_source(*user.exec, cluster, directory);
  if (!user.username.empty()) out.client.headers.emplace_back("Authorization", basic(user));
  use_impersonation(user, out.client.headers);
}

Result<std::string> read_file(rt::Disk& disk, const std::string& path) {
  auto text = disk.read(path, credentials_bytes_max);
  if (!text) return bad_request("reading " + path + ": " + text.error().message);
  return text;
}

// Data that is given comes before a file.
Result<std::string> data_or_file(rt::Disk& disk, const std::string& data, const std::string& path) {
  if (!data.empty() || path.empty()) return data;
  return read_file(disk, path);
}

// Blanks around it aside.
Result<std::string> usable_token(std::string token) {
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (std::ranges::any_of(token, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; }))
    return bad_request("has a token with blanks in it");
  return token;
}

void use_token_file(rt::Disk& disk, Credentials& out) {
  auto text = read_file(disk, out.token_file);
  if (text) text = usable_token(std::move(*text));
  if (!text || text->empty()) return;
  std::string shown = "Bearer " + *text;
  if (!out.headers.empty() && out.headers.front().first == "Authorization")
    out.headers.front().second = std::move(shown);
  else
    out.headers.insert(out.headers.begin(), {"Authorization", std::move(shown)});
}

// A token counts before a password, and what a file of it holds before the one that is given, where it can be read: as client-go.
Result<Credentials> credentials_of(rt::Disk& disk, const AuthInfo& user, const std::string& directory) {
  if (user.exec) return bad_request("has an exec plugin, which is not supported here");
  if (user.auth_provider) return bad_request("has an auth-provider, which is not supported");
  Credentials out;
  if (user.client_certificate_data.empty()) out.cert_file = beside(directory, user.client_certificate);
  if (user.client_key_data.empty()) out.key_file = beside(directory, user.client_key);
  TRY_ASSIGN(out.cert_pem, data_or_file(disk, user.client_certificate_data, out.cert_file));
  TRY_ASSIGN(out.key_pem, data_or_file(disk, user.client_key_data, out.key_file));
  if (out.cert_pem.empty() != out.key_pem.empty()) return bad_request("has a client certificate without a key, or a key without a certificate");
  if (!out.cert_pem.empty() && !component::is_certificate_of_key(out.cert_pem, out.key_pem))
    return bad_request("has a client certificate and a key that do not belong together");
  out.token_file = beside(directory, user.token_file);
  TRY_ASSIGN(std::string token, data_or_file(disk, user.token, out.token_file));
  TRY_ASSIGN(token, usable_token(std::move(token)));
  if (!token.empty())
    out.headers.emplace_back("Authorization", "Bearer " + token);
  else if (!user.username.empty() || !user.password.empty())
    out.headers.emplace_back("Authorization", basic(user));
  if (!user.token.empty() && !out.token_file.empty()) use_token_file(disk, out);
  use_impersonation(user, out.headers);
  return out;
}

Result<Config> read_config(rt::Disk& disk, const std::string& path) {
  TRY_ASSIGN(const std::string text, disk.read(path));
  auto value = codec::parse_yaml(text);
  Config config;
  auto decoded = value ? api::decode_value(*value, api::type_of<Config>(), &config) : Result<Unit>(Unexpected(value.error()));
  if (!decoded) return bad_request(path + ": " + decoded.error().message);
  return config;
}

}  // namespace

Result<ConnectionConfig> load_kubeconfig(rt::Disk& disk, const std::string& path, std::string_view context) {
  TRY_ASSIGN(const Config config, read_config(disk, path));
  const std::string wanted(context.empty() ? std::string_view(config.current_context) : context);
  if (wanted.empty()) return bad_request(path + ": there is no current-context");
  const auto* chosen = find_named(config.contexts, wanted);
  if (chosen == nullptr) return bad_request(path + ": there is no context \"" + wanted + "\"");
  const auto* cluster = find_named(config.clusters, chosen->context.cluster);
  if (cluster == nullptr)
    return bad_request(path + ": there is no cluster \"" + chosen->context.cluster + "\", which context \"" + wanted + "\" names");
  if (cluster->cluster.server.empty()) return bad_request(path + ": cluster \"" + cluster->name + "\" has no server");
  if (!cluster->cluster.proxy_url.empty()) return bad_request(path + ": cluster \"" + cluster->name + "\" has a proxy-url, which is not supported");
  const std::string directory = rt::parent_path(path);
  ConnectionConfig out;
  use_cluster(cluster->cluster, directory, out);
  if (chosen->context.user.empty()) return out;
  const auto* user = find_named(config.users, chosen->context.user);
  if (user == nullptr) return bad_request(path + ": there is no user \"" + chosen->context.user + "\", which context \"" + wanted + "\" names");
  if (user->user.auth_provider) return bad_request(path + ": user \"" + user->name + "\" has an auth-provider; use an exec plugin");
  use_user(user->user, cluster->cluster, directory, out);
  return out;
}

Credentials read_again(rt::Disk& disk, const Credentials& credentials) {
  Credentials out = credentials;
  if (!out.token_file.empty()) use_token_file(disk, out);
  if (out.cert_file.empty() && out.key_file.empty()) return out;
  const auto cert = data_or_file(disk, out.cert_file.empty() ? out.cert_pem : "", out.cert_file);
  const auto key = data_or_file(disk, out.key_file.empty() ? out.key_pem : "", out.key_file);
  if (!cert || !key || !component::is_certificate_of_key(*cert, *key)) return out;
  out.cert_pem = *cert;
  out.key_pem = *key;
  return out;
}

Result<KubeconfigUsers> load_kubeconfig_users(rt::Disk& disk, const std::string& path) {
  TRY_ASSIGN(const Config config, read_config(disk, path));
  KubeconfigUsers out;
  for (const auto& user : config.users) {
    auto credentials = credentials_of(disk, user.user, rt::parent_path(path));
    if (!credentials) return bad_request(path + ": user \"" + user.name + "\" " + credentials.error().message);
    out.by_name[user.name] = std::make_shared<const Credentials>(std::move(*credentials));
  }
  if (config.current_context.empty()) return out;
  const auto* current = find_named(config.contexts, config.current_context);
  if (current == nullptr) return bad_request(path + ": there is no context \"" + config.current_context + "\"");
  if (!current->context.user.empty() && !out.by_name.contains(current->context.user))
    return bad_request(path + ": there is no user \"" + current->context.user + "\", which context \"" + current->name + "\" names");
  out.current = current->context.user;
  return out;
}

Result<ConnectionConfig> in_cluster_config(rt::Disk& disk) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr || *host == 0 || *port == 0) {
    return bad_request("not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  ConnectionConfig out;
  const std::string name(host);
  out.client.server = "https://" + (name.find(':') == std::string::npos ? name : "[" + name + "]") + ":" + port;
  out.client.bearer_token_file = std::string(account_folder) + "token";
  out.tls.ca_file = std::string(account_folder) + "ca.crt";
  TRY(disk.stat(out.client.bearer_token_file));
  return out;
}

std::string write_kubeconfig(const KubeconfigContent& content) {
  codec::Value cluster, user, context, out;
  cluster["name"] = context["context"]["cluster"] = content.cluster_name;
  cluster["cluster"]["server"] = content.server;
  if (!content.ca_pem.empty()) cluster["cluster"]["certificate-authority-data"] = codec::base64(content.ca_pem);
  user["name"] = context["context"]["user"] = content.user_name;
  codec::Value& credentials = user["user"] = codec::Value(codec::Value::Object());
  if (!content.cert_pem.empty()) credentials["client-certificate-data"] = codec::base64(content.cert_pem);
  if (!content.key_pem.empty()) credentials["client-key-data"] = codec::base64(content.key_pem);
  if (!content.token.empty()) credentials["token"] = content.token;
  const std::string name = content.user_name + "@" + content.cluster_name;
  context["name"] = name;
  out["apiVersion"] = "v1";
  out["kind"] = "Config";
  out["current-context"] = name;
  out["clusters"] = codec::Value::Array{cluster};
  out["users"] = codec::Value::Array{user};
  out["contexts"] = codec::Value::Array{context};
  return codec::to_yaml(out);
}

}  // namespace pintle::client
