#include "kubelet/static_pods/url_pod_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/codec.h"
#include "apimachinery/clock_time.h"
#include "base/strings.h"
#include "component/log.h"
#include "kubelet/static_pods/manifest.h"
#include "net/client.h"
#include "net/text.h"
#include "net/url.h"

namespace pintle::kubelet::static_pods {

namespace {

namespace log = component::log;
using api::core_v1::Pod;
using api::kubeletconfig_v1beta1::KubeletConfiguration;

constexpr int failures_told = 3;  // in a row; then more rarely heard of
constexpr int quiet_verbosity = 4;

// What the exchange itself says.
bool is_of_the_exchange(std::string_view header) {
  for (const std::string_view one : {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te"})
    if (header == one) return true;
  return false;
}

bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

std::string text_of(const Pod& pod) {
  std::string out;
  api::encode_json(api::core_v1::types::Pod, &pod, out);
  return out;
}

// The pod of before if it is the same but for when it was seen: a pod object that stays the same is not looked at again.
PodPtr same_or_new(const std::vector<PodPtr>& before, Pod pod) {
  for (const PodPtr& old : before) {
    if (old->metadata.uid != pod.metadata.uid) continue;
    Pod as_before = pod;
    if (const std::string* seen = old->metadata.annotations.get(annotations::config_seen))
      as_before.metadata.annotations[annotations::config_seen] = *seen;
    if (text_of(as_before) == text_of(*old)) return old;
  }
  return std::make_shared<const Pod>(std::move(pod));
}

}  // namespace

Result<Unit> check_static_pod_url(const KubeletConfiguration& config) {
  if (config.static_pod_url.empty()) return Unit{};
  const auto url = net::parse_url(config.static_pod_url);
  if (!url) return error(Reason::Invalid, "staticPodURL: " + url.error().message);
  if (url->scheme != "http" && url->scheme != "https") return error(Reason::Invalid, "staticPodURL: is neither http nor https");
  for (const auto& [name, values] : config.static_pod_url_header) {
    if (name.empty() || !net::is_token(name)) return error(Reason::Invalid, "staticPodURLHeader: a name that no header can have");
    if (is_of_the_exchange(to_lower(name))) return error(Reason::Invalid, "staticPodURLHeader: " + name + " cannot be set");
    const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; };
    for (const std::string& value : values)
      if (std::ranges::any_of(value, is_control)) return error(Reason::Invalid, "staticPodURLHeader: a value of " + name + " has control characters");
  }
  return Unit{};
}

Result<std::string> redirect_target(const std::string& from, std::string_view location) {
  TRY_ASSIGN(const net::Url old, net::parse_url(from));
  std::string next(location);
  if (location.starts_with('/') && !location.starts_with("//")) next = old.scheme + "://" + old.authority + std::string(location);
  const auto url = net::parse_url(next);
  if (!url || (url->scheme != "http" && url->scheme != "https")) return bad_request("it redirects to no URL");
  if (old.scheme == "https" && url->scheme == "http") return bad_request("it redirects from https to http");
  return next;
}

Result<UrlPodDeps> url_pod_deps(rt::Runtime& runtime, const KubeletConfiguration& config) {
  UrlPodDeps out{runtime, nullptr, config.static_pod_url, {}, rt::Duration(config.http_check_frequency.nanos), "", {}};
  TRY_ASSIGN(out.transport, net::make_transport(runtime, net::ClientOptions()));
  for (const auto& [name, values] : config.static_pod_url_header)
    for (const std::string& value : values) out.headers.add(name, value);
  return out;
}

rt::Task<Result<std::string>> UrlPodSource::fetch(rt::Context ctx) {
  std::string url = deps_.url;
  CO_TRY_ASSIGN(const net::Url first, net::parse_url(url));
  for (int redirects = 0; redirects <= url_redirects_max; ++redirects) {
    CO_TRY_ASSIGN(const net::Url now, net::parse_url(url));
    net::ClientRequest request;
    request.url = url;
    if (now.scheme == first.scheme && now.authority == first.authority) request.headers = deps_.headers;
    if (!request.headers.has("user-agent")) request.headers.add("User-Agent", "kubelet/1.36");
    CO_TRY_ASSIGN(auto response, co_await deps_.transport->send(ctx, std::move(request)));
    if (is_redirect(response.status)) {
      CO_TRY_ASSIGN(url, redirect_target(url, response.headers.get("location")));
      continue;
    }
    if (response.status != 200) co_return error(Reason::ServiceUnavailable, fmt::format("{}: answered with status {}", deps_.url, response.status));
    auto body = co_await net::read_all(ctx, *response.body, manifest_bytes_max);
    if (!body && body.error().reason == Reason::RequestEntityTooLarge)
      co_return error(Reason::RequestEntityTooLarge, fmt::format("{}: more than {} bytes", deps_.url, manifest_bytes_max));
    if (!body) co_return Unexpected(body.error());
    co_return std::string(body->view());
  }
  co_return bad_request(fmt::format("{}: more than {} redirects", deps_.url, url_redirects_max));
}

rt::Task<Result<Unit>> UrlPodSource::look(rt::Context ctx) {
  CO_TRY_ASSIGN(std::string text, co_await fetch(ctx.with_timeout(url_answer_max)));
  if (told_ && text == text_) co_return Unit{};
  std::vector<PodPtr> now;
  if (!text.empty()) {
    if (text == text_) co_return Unit{};  // it was of no use before
    text_ = std::move(text);
    const ManifestSource source{deps_.url, deps_.node_name, api::format_micro_time(apimachinery::to_micro_time(deps_.runtime.clock().wall_now())),
                                true};
    auto pods = parse_static_pods(text_, source);
    if (!pods) co_return Unexpected(pods.error());
    for (Pod& pod : *pods) now.push_back(same_or_new(pods_, std::move(pod)));
  } else {
    text_.clear();
  }
  told_ = true;
  pods_ = std::move(now);
  deps_.set(pods_);
  if (pods_.empty() && text_.empty()) co_return error(Reason::Invalid, "zero-length data received from " + deps_.url);
  co_return Unit{};
}

void UrlPodSource::tell(Result<Unit> outcome) {
  if (outcome) {
    if (std::exchange(failures_, 0) > 0) log::info(0, "Successfully read pods from URL");
    return;
  }
  const int verbosity = failures_ < failures_told ? 0 : quiet_verbosity;
  log::info(verbosity, "Failed to read pods from URL", {{"err", outcome.error().message}});
  if (failures_ < failures_told) ++failures_;
}

rt::Task<void> UrlPodSource::run(rt::Context ctx) {
  const rt::Duration wait = std::max(deps_.check_every, url_check_least);
  while (!ctx.done()) {
    auto outcome = co_await look(ctx);
    if (ctx.done()) co_return;
    tell(std::move(outcome));
    (void)co_await rt::sleep_for(ctx, wait);
  }
}

rt::Task<void> UrlPodSource::stop() {
  co_await tasks_.close();
  co_await deps_.transport->close();
}

}  // namespace pintle::kubelet::static_pods
