#include "apiserver/callout/callouts.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/callout/words.h"
#include "client/kubeconfig.h"
#include "net/url.h"

namespace pintle::apiserver::callout {

namespace {

constexpr std::string_view user_agent = "kube-apiserver-admission";
constexpr std::size_t refusal_bytes_max = 64 << 10;  // of an answer that is no success

struct Address {
  std::string url;  // as it is shown
  net::ForwardedRequest request;
};

// The host and port of "https://host:port".
Result<Unit> lead_to(std::string_view origin, net::ForwardedRequest& request) {
  TRY_ASSIGN(net::Url where, net::parse_url(origin));
  request.address = std::move(where.host);
  request.port = where.port;
  return Unit{};
}

std::string url_of(const Target& target) {
  std::string origin, path = target.path;
  if (target.service) {
    origin = "https://" + net::join_host_port(target.service->tls_name(), std::to_string(target.service->port));
  } else {
    const auto authority = target.url.find("://");
    const auto slash = std::min(target.url.find('/', authority == std::string::npos ? 0 : authority + 3), target.url.size());
    origin = target.url.substr(0, slash);
    path = target.url.substr(slash);
  }
  std::string url = origin + clean_path(path);
  if (!target.query.empty()) url.append("?").append(target.query);
  return url;
}

}  // namespace

Callouts::~Callouts() = default;

void Callouts::forget_unused(rt::TimePoint now) {
  std::erase_if(trusts_, [&](const auto& entry) { return now - entry.second.used_at >= trust_unused_max; });
  if (trusts_.size() < trusts_max) return;
  trusts_.erase(std::ranges::min_element(trusts_, {}, [](const auto& entry) { return entry.second.used_at; }));
}

rt::Task<std::shared_ptr<const client::Credentials>> Callouts::credentials(const Target& target) {
  const std::shared_ptr<const client::Credentials> given = target.credentials;
  if (!given || (given->token_file.empty() && given->cert_file.empty() && given->key_file.empty())) co_return given;
  const rt::TimePoint now = runtime_.clock().now();
  Shown kept{given, given, {}};
  {
    ThreadLock lock(mutex_);
    const auto found = shown_.find(given.get());
    if (found != shown_.end()) kept = found->second;
    if (found != shown_.end() && now - kept.read_at < credentials_age_max) co_return kept.now;
  }
  co_await runtime_.run_blocking(
      [this, &kept] { kept.now = std::make_shared<const client::Credentials>(client::read_again(runtime_.disk(), *kept.now)); });
  kept.read_at = now;
  ThreadLock lock(mutex_);
  shown_[given.get()] = kept;
  co_return kept.now;
}

Result<Callouts::TransportPtr> Callouts::transport(const Target& target, const client::Credentials* shown) {
  const rt::TimePoint now = runtime_.clock().now();
  const std::pair key(target.ca_bundle, shown ? shown->cert_pem + shown->key_pem : std::string());
  ThreadLock lock(mutex_);
  auto found = trusts_.find(key);
  if (found == trusts_.end()) {
    forget_unused(now);
    net::ClientOptions options;
    options.ca_pem = target.ca_bundle;
    if (shown) options.cert_pem = shown->cert_pem;
    if (shown) options.key_pem = shown->key_pem;
    options.http2 = false;
    TRY_ASSIGN(TransportPtr made, net::make_forwarding_transport(runtime_, std::move(options)));
    found = trusts_.emplace(key, Trust{std::move(made), now}).first;
  }
  found->second.used_at = now;
  return found->second.transport;
}

rt::Task<Result<Bytes>> Callouts::post(rt::Context ctx, const Target& target, Bytes body, rt::Duration timeout, std::size_t answer_max) {
  const std::string url = url_of(target);
  net::ForwardedRequest request;
  if (target.service) {
    auto origin = resolver_.resolve(*target.service);
    if (!origin) {
      origin.error().message = fmt::format("Post \"{}\": {}", url, origin.error().message);
      co_return Unexpected(std::move(origin.error()));
    }
    CO_TRY(lead_to(*origin, request));
  }
  const auto shown = co_await credentials(target);
  CO_TRY_ASSIGN(const TransportPtr by, transport(target, shown.get()));
  request.head.method = "POST";
  request.head.url = url;
  request.head.headers.set("Content-Type", "application/json");
  request.head.headers.set("Accept", "application/json, */*");
  request.head.headers.set("User-Agent", std::string(user_agent));
  if (shown)
    for (const auto& [name, value] : shown->headers) request.head.headers.add(name, value);
  request.head.body = std::move(body);
  request.repeatable = true;  // reviews are asked again anyway, after a conflict or a reinvocation
  rt::Context bounded = ctx.with_timeout(timeout);
  auto answer = co_await by->forward(bounded, std::move(request));
  if (!answer) co_return Unexpected(post_failure(url, std::move(answer.error())));
  const bool success = answer->status >= 200 && answer->status <= 206;
  const std::string content_type(answer->headers.get("content-type"));
  const std::size_t most = success ? answer_max : refusal_bytes_max;
  auto text = co_await net::read_all(bounded, *answer->body, most);
  if (!text) {
    const Status told = post_failure("", std::move(text.error()));
    std::string why = told.reason == Reason::RequestEntityTooLarge ? fmt::format("the answer is longer than {} bytes", answer_max)
                                                                   : told.message.substr(std::string_view("Post \"\": ").size());
    co_return error(told.reason, "unexpected error when reading response body. Please retry. Original error: " + std::move(why));
  }
  if (!success) co_return Unexpected(answer_failure(answer->status, content_type, text->view()));
  if (text->empty())
    co_return error(Reason::ServiceUnavailable,
                    fmt::format("0-length response with status code: {} and content type: {}", answer->status, content_type));
  co_return std::move(*text);
}

rt::Task<void> Callouts::close() {
  std::map<std::pair<std::string, std::string>, Trust> trusts;
  {
    ThreadLock lock(mutex_);
    trusts.swap(trusts_);
  }
  for (auto& [key, trust] : trusts) co_await trust.transport->close();
}

}  // namespace pintle::apiserver::callout
