#include "client/kubeconfig.h"

#include <cstdlib>

#include "api/codec.h"
#include "api/gen/kubeconfig_v1.h"
#include "client/exec_credential.h"
#include "codec/base64.h"
#include "codec/yaml.h"

namespace pintle::client {

namespace {

using api::kubeconfig_v1::AuthInfo;
using api::kubeconfig_v1::Cluster;
using api::kubeconfig_v1::Config;

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

void use_impersonation(const AuthInfo& user, ConnectionConfig& out) {
  auto& headers = out.client.headers;
  if (!user.as.empty()) headers.emplace_back("Impersonate-User", user.as);
  if (!user.as_uid.empty()) headers.emplace_back("Impersonate-Uid", user.as_uid);
  for (const auto& group : user.as_groups) headers.emplace_back("Impersonate-Group", group);
  for (const auto& [key, values] : user.as_user_extra) {
    for (const auto& value : values) headers.emplace_back("Impersonate-Extra-" + key, value);
  }
}

void use_user(const AuthInfo& user, const Cluster& cluster, const std::string& directory, ConnectionConfig& out) {
  out.tls.cert_pem = user.client_certificate_data;
  if (out.tls.cert_pem.empty()) out.tls.cert_file = beside(directory, user.client_certificate);
  out.tls.key_pem = user.client_key_data;
  if (out.tls.key_pem.empty()) out.tls.key_file = beside(directory, user.client_key);
  out.client.bearer_token = user.token;
  if (user.token.empty()) out.client.bearer_token_file = beside(directory, user.token_file);
  if (user.exec) out.client.token_source = exec_token_source(*user.exec, cluster, directory);
  if (!user.username.empty()) out.client.headers.emplace_back("Authorization", "Basic " + codec::base64(user.username + ":" + user.password));
  use_impersonation(user, out);
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
