#include "cli/join.h"

#include "client/client.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "component/certificate/keys.h"
#include "net/client.h"

namespace pintle::cli {
namespace {

std::string token_id(std::string_view token) { return std::string(token.substr(0, 6)); }
std::string_view token_secret(std::string_view token) { return token.substr(7); }

std::string signature_over(std::string_view header, std::string_view content, std::string_view token) {
  const std::string signed_part = std::string(header) + "." + codec::base64_url(content);
  return codec::base64_url(component::hmac_sha256(token_secret(token), signed_part));
}

Result<std::string> ca_of_kubeconfig(std::string_view text) {
  TRY_ASSIGN(const codec::Value config, codec::parse_yaml(text));
  const codec::Value* clusters = config.find("clusters");
  if (!clusters || !clusters->is_array() || clusters->as_array().empty()) return bad_request("cluster-info names no cluster");
  const codec::Value* cluster = clusters->as_array().front().find("cluster");
  const auto pem = cluster ? codec::decode_base64(cluster->string_at("certificate-authority-data")) : std::nullopt;
  if (!pem || pem->empty()) return bad_request("cluster-info holds no certificate authority");
  return *pem;
}

}  // namespace

std::string sign_cluster_info(std::string_view content, std::string_view token) {
  const std::string header = codec::base64_url(R"({"alg":"HS256","kid":")" + token_id(token) + "\"}");
  return header + ".." + signature_over(header, content, token);
}

Result<Unit> verify_cluster_info(std::string_view content, std::string_view signature, std::string_view token) {
  const auto dots = signature.find("..");
  if (dots == std::string_view::npos) return error(Reason::Unauthorized, "the signature of cluster-info has no detached payload");
  const std::string_view header = signature.substr(0, dots);
  const auto text = codec::decode_base64_url(header);
  const auto fields = text ? codec::parse_json(*text) : Result<codec::Value>(bad_request("no base64"));
  if (!fields || fields->string_at("alg") != "HS256") return error(Reason::Unauthorized, "the signature of cluster-info is not HS256");
  if (!component::equal_in_constant_time(signature.substr(dots + 2), signature_over(header, content, token)))
    return error(Reason::Unauthorized, "cluster-info is not signed by this token: the token or the server is a wrong one");
  return Unit{};
}

rt::Task<Result<std::string>> discover_ca(rt::Runtime& runtime, rt::Context ctx, std::string server_url, std::string token) {
  net::ClientOptions tls;
  tls.insecure_skip_verify = true;  // trust comes from the signature
  CO_TRY_ASSIGN(std::shared_ptr<net::Transport> transport, net::make_transport(runtime, std::move(tls)));
  client::ClientConfig config;
  config.server = server_url;
  client::Client client(runtime, transport, std::move(config));
  auto info = co_await client.ask_json(ctx, std::string("GET"), std::string("/api/v1/namespaces/kube-public/configmaps/cluster-info"), std::string(),
                                       std::string());
  co_await client.close();
  if (!info) co_return error(info.error().reason, "cannot read cluster-info from " + server_url + ": " + info.error().message);
  const codec::Value* data = info->find("data");
  const std::string content(data ? data->string_at("kubeconfig") : "");
  const std::string signature(data ? data->string_at("jws-kubeconfig-" + token_id(token)) : "");
  if (signature.empty()) co_return error(Reason::Unauthorized, server_url + " knows no token \"" + token_id(token) + "\"");
  CO_TRY(verify_cluster_info(content, signature, token));
  co_return ca_of_kubeconfig(content);
}

}  // namespace pintle::cli
