#include "client/exec_credential.h"

#include <memory>

#include "api/codec.h"
#include "api/gen/clientauthentication_v1.h"
#include "base/mutex.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "os/process.h"
#include "rt/executor.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::client {

namespace {

using api::clientauthentication_v1::ExecCredential;
using api::kubeconfig_v1::Cluster;
using api::kubeconfig_v1::ExecConfig;

constexpr rt::Duration plugin_timeout = std::chrono::minutes(1);
constexpr std::size_t shown_error_bytes_max = 1024;

Unexpected<Status> unauthorized(const ExecConfig& config, std::string what) {
  std::string message = "exec plugin " + config.command + ": " + std::move(what);
  if (!config.install_hint.empty()) message += "\n" + config.install_hint;
  return error(Reason::Unauthorized, std::move(message));
}

// The token that there is, shared by all requests of a client.
struct Tokens {
  ExecConfig config;
  Cluster cluster;
  std::string directory;
  rt::AsyncMutex running;  // one program at a time; the others wait for its answer
  ThreadMutex mutex;
  ExecAnswer last GUARDED_BY(mutex);

  // "" when there is none, or none any more.
  std::string valid(rt::WallTime now) {
    ThreadLock lock(mutex);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    return last.expires_unix_seconds == 0 || seconds < last.expires_unix_seconds ? last.token : std::string();
  }
};

rt::Task<Result<std::string>> token_of(std::shared_ptr<Tokens> tokens, rt::Context ctx) {
  rt::Clock& clock = rt::Executor::current().runtime().clock();
  std::string token = tokens->valid(clock.wall_now());
  if (!token.empty()) co_return std::move(token);
  CO_TRY_ASSIGN(auto lock, co_await tokens->running.lock(ctx));
  token = tokens->valid(clock.wall_now());
  if (!token.empty()) co_return std::move(token);

  const ExecConfig& config = tokens->config;
  os::ProcessSpec spec;
  const bool beside = config.command.find('/') != std::string::npos && !config.command.starts_with('/');
  spec.argv.push_back(beside ? tokens->directory + "/" + config.command : config.command);
  spec.argv.insert(spec.argv.end(), config.args.begin(), config.args.end());
  for (const auto& one : config.env) spec.env.push_back(one.name + "=" + one.value);
  spec.env.push_back("KUBERNETES_EXEC_INFO=" + exec_question(config, tokens->cluster));
  const rt::Context bounded = ctx.with_timeout(plugin_timeout);
  auto ran = co_await os::run_process(bounded, std::move(spec));
  if (!ran) co_return unauthorized(config, ran.error().message);
  if (!ran->exit.ok()) co_return unauthorized(config, ran->exit.text() + ": " + ran->err.substr(0, shown_error_bytes_max));
  CO_TRY_ASSIGN(ExecAnswer answer, parse_exec_answer(config, ran->out));
  ThreadLock guard(tokens->mutex);
  tokens->last = std::move(answer);
  co_return tokens->last.token;
}

}  // namespace

std::string exec_question(const ExecConfig& config, const Cluster& cluster) {
  codec::Value question;
  question["kind"] = "ExecCredential";
  question["apiVersion"] = config.api_version;
  question["spec"]["interactive"] = false;
  if (config.provide_cluster_info) {
    codec::Value& told = question["spec"]["cluster"];
    told["server"] = cluster.server;
    if (!cluster.tls_server_name.empty()) told["tls-server-name"] = cluster.tls_server_name;
    if (cluster.insecure_skip_tls_verify) told["insecure-skip-tls-verify"] = true;
    if (!cluster.certificate_authority_data.empty()) told["certificate-authority-data"] = codec::base64(cluster.certificate_authority_data);
    for (const auto& extension : cluster.extensions) {
      if (extension.name != "client.authentication.k8s.io/exec") continue;
      if (auto value = codec::parse_json(extension.extension.raw)) told["config"] = std::move(*value);
    }
  }
  return codec::to_json(question);
}

Result<ExecAnswer> parse_exec_answer(const ExecConfig& config, std::string_view output) {
  auto value = codec::parse_json(output);
  if (!value) return unauthorized(config, "its output is no JSON: " + value.error().message);
  if (value->string_at("kind") != "ExecCredential") return unauthorized(config, "its output is no ExecCredential");
  if (value->string_at("apiVersion") != config.api_version) {
    return unauthorized(
        config, "it answers with apiVersion " + std::string(value->string_at("apiVersion")) + ", the kubeconfig asks for " + config.api_version);
  }
  ExecCredential credential;
  auto decoded = api::decode_value(*value, api::type_of<ExecCredential>(), &credential);
  if (!decoded) return unauthorized(config, decoded.error().message);
  if (!credential.status) return unauthorized(config, "it answers without a status");
  if (credential.status->token.empty()) return unauthorized(config, "it answers without a token; client certificates of plugins are not supported");
  ExecAnswer out;
  out.token = std::move(credential.status->token);
  const auto& expires = credential.status->expiration_timestamp;
  if (expires && !expires->zero()) out.expires_unix_seconds = expires->seconds;
  return out;
}

std::function<rt::Task<Result<std::string>>(rt::Context)> exec_token_source(ExecConfig config, Cluster cluster, std::string directory) {
  auto tokens = std::make_shared<Tokens>();
  tokens->config = std::move(config);
  tokens->cluster = std::move(cluster);
  tokens->directory = std::move(directory);
  return [tokens](rt::Context ctx) { return token_of(tokens, std::move(ctx)); };
}

}  // namespace pintle::client
