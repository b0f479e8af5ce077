#include "apiserver/aggregation/backends.h"

#include <set>

#include "apiserver/aggregation/front_proxy_headers.h"

namespace pintle::apiserver::aggregation {

namespace {

std::string key_of(const Remote& remote) { return remote.service.tls_name() + (remote.insecure ? " insecure " : " ") + remote.ca_bundle; }

}  // namespace

Result<TransportPtr> Backends::transport(const Remote& remote) {
  const std::string key = key_of(remote);
  ThreadLock lock(mutex_);
  if (const auto known = transports_.find(key); known != transports_.end()) return known->second;
  net::ClientOptions options;
  options.ca_pem = remote.insecure ? "" : remote.ca_bundle;
  options.insecure_skip_verify = remote.insecure;
  options.cert_file = options_.proxy_client_cert_file;
  options.key_file = options_.proxy_client_key_file;
  options.server_name = remote.service.tls_name();
  options.connections_per_host_max = backend_connections_max;
  TRY_ASSIGN(TransportPtr made, net::make_forwarding_transport(runtime_, std::move(options)));
  transports_[key] = made;
  return made;
}

rt::Task<Result<Answer>> Backends::ask(rt::Context ctx, RemotePtr remote, Question question) {
  CO_TRY_ASSIGN(const TransportPtr transport, this->transport(*remote));
  CO_TRY_ASSIGN(const std::string origin, this->origin(*remote));
  net::ClientRequest request;
  request.url = origin + question.path;
  if (!question.accept.empty()) request.headers.set("Accept", question.accept);
  if (!question.etag.empty()) request.headers.set("If-None-Match", question.etag);
  CO_TRY(set_user(request.headers, question.asker));
  CO_TRY_ASSIGN(net::Response response, co_await transport->send(ctx, std::move(request)));
  Answer answer;
  answer.status = response.status;
  answer.content_type = response.headers.get("content-type");
  answer.etag = response.headers.get("etag");
  CO_TRY_ASSIGN(answer.body, co_await net::read_all(ctx, *response.body, question.bytes_max));
  co_return answer;
}

rt::Task<void> Backends::keep(std::vector<RemotePtr> remotes) {
  std::set<std::string> wanted;
  for (const RemotePtr& remote : remotes) wanted.insert(key_of(*remote));
  std::vector<TransportPtr> ending;
  {
    ThreadLock lock(mutex_);
    for (auto it = transports_.begin(); it != transports_.end();) {
      if (wanted.contains(it->first)) {
        ++it;
        continue;
      }
      retired_.push_back(std::move(it->second));
      it = transports_.erase(it);
    }
    // Nobody can get hold of these any more, so one holder is none but this.
    for (auto it = retired_.begin(); it != retired_.end();) {
      if (it->use_count() > 1) {
        ++it;
        continue;
      }
      ending.push_back(std::move(*it));
      it = retired_.erase(it);
    }
  }
  for (const TransportPtr& transport : ending) co_await transport->close();
}

rt::Task<void> Backends::close() {
  std::vector<TransportPtr> all;
  {
    ThreadLock lock(mutex_);
    for (auto& [key, transport] : transports_) all.push_back(std::move(transport));
    transports_.clear();
    std::move(retired_.begin(), retired_.end(), std::back_inserter(all));
    retired_.clear();
  }
  for (const TransportPtr& transport : all) co_await transport->close();
}

}  // namespace pintle::apiserver::aggregation
