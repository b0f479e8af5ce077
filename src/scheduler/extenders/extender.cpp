#include "scheduler/extenders/extender.h"

#include <fmt/format.h>

namespace pintle::scheduler::extenders {

Result<std::unique_ptr<Extender>> Extender::make(rt::Runtime& runtime, Spec spec) {
  net::ClientOptions options;
  if (spec.tls_config) {
    const auto& tls = *spec.tls_config;
    options.ca_file = tls.ca_file;
    options.ca_pem = tls.ca_data;
    options.cert_file = tls.cert_file;
    options.key_file = tls.key_file;
    options.cert_pem = tls.cert_data;
    options.key_pem = tls.key_data;
    options.server_name = tls.server_name;
    options.insecure_skip_verify = tls.insecure;
  }
  // As upstream: an extender of which no authority is known is believed.
  if (spec.enable_https && options.ca_file.empty() && options.ca_pem.empty()) options.insecure_skip_verify = true;
  if (spec.http_timeout.nanos <= 0) spec.http_timeout.nanos = default_timeout.count();
  auto transport = net::make_transport(runtime, std::move(options));
  if (!transport) return bad_request("the extender " + spec.url_prefix + ": " + transport.error().message);
  return std::unique_ptr<Extender>(new Extender(std::move(spec), std::move(*transport)));
}

Unexpected<Status> Extender::failed(std::string_view verb, Status why) const {
  why.message = fmt::format("the extender {} was asked to {}: {}", name(), verb, why.message);
  return Unexpected(std::move(why));
}

rt::Task<Result<std::string>> Extender::post(rt::Context ctx, std::string verb, std::string body) {
  const rt::Context bounded = ctx.with_timeout(rt::Duration(spec_.http_timeout.nanos));
  net::ClientRequest request;
  request.method = "POST";
  request.url = name();
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += "/" + verb;
  request.headers.set("content-type", "application/json");
  request.body = Bytes(std::move(body));
  auto response = co_await transport_->send(bounded, std::move(request));
  if (!response) co_return failed(verb, response.error());
  auto answer = co_await net::read_all(bounded, *response->body, answer_bytes_max);
  if (response->status != 200) co_return failed(verb, Status{Reason::ServiceUnavailable, 0, fmt::format("it answered {}", response->status), {}});
  if (!answer) co_return failed(verb, answer.error());
  co_return std::string(answer->view());
}

rt::Task<Result<FilterAnswer>> Extender::filter(rt::Context ctx, PodPtr pod, std::vector<NodePtr> nodes) {
  CO_TRY_ASSIGN(const std::string answer, co_await post(std::move(ctx), spec_.filter_verb, nodes_request(spec_, *pod, nodes)));
  co_return said(spec_.filter_verb, read_filter(spec_, answer));
}

rt::Task<Result<std::map<std::string, int64_t>>> Extender::prioritize(rt::Context ctx, PodPtr pod, std::vector<NodePtr> nodes) {
  CO_TRY_ASSIGN(const std::string answer, co_await post(std::move(ctx), spec_.prioritize_verb, nodes_request(spec_, *pod, nodes)));
  co_return said(spec_.prioritize_verb, read_priorities(answer));
}

rt::Task<Result<std::map<std::string, VictimNames>>> Extender::preempt(rt::Context ctx, PodPtr pod, VictimsByNode victims, WholePod whole_pod) {
  std::string request = preempt_request(spec_, *pod, victims, whole_pod);
  CO_TRY_ASSIGN(const std::string answer, co_await post(std::move(ctx), spec_.preempt_verb, std::move(request)));
  co_return said(spec_.preempt_verb, read_preemption(answer));
}

rt::Task<Result<Unit>> Extender::bind(rt::Context ctx, PodPtr pod, std::string node) {
  CO_TRY_ASSIGN(const std::string answer, co_await post(std::move(ctx), spec_.bind_verb, bind_request(*pod, node)));
  co_return said(spec_.bind_verb, read_binding(answer));
}

}  // namespace pintle::scheduler::extenders
