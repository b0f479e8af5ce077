#include "apiserver/authentication/front_proxy.h"

#include <algorithm>

#include "component/certificate/certificate.h"
#include "net/text.h"
#include "net/url.h"

namespace pintle::apiserver::authentication {
namespace {

bool starts_fold(std::string_view name, std::string_view prefix) { return net::equal_fold(name.substr(0, prefix.size()), prefix); }

std::string first_value(const net::Headers& headers, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (const std::string_view value = headers.get(name); !value.empty()) return std::string(value);
  return "";
}

std::string extra_key(std::string_view name) {
  std::string key(name);
  std::ranges::transform(key, key.begin(), net::lower);
  return net::percent_decode(key).value_or(key);
}

FlatMap<std::vector<std::string>> extra_of(const net::Headers& headers, const std::vector<std::string>& prefixes) {
  FlatMap<std::vector<std::string>> extra;
  for (const std::string& prefix : prefixes)
    for (const auto& [name, value] : headers.items())
      if (starts_fold(name, prefix)) extra[extra_key(std::string_view(name).substr(prefix.size()))].push_back(value);
  return extra;
}

}  // namespace

// A connection may outlive the certificate that opened it.
Result<Unit> FrontProxyAuthenticator::check_proxy(const std::string& der) const {
  const auto certificate = component::parse_certificate_der(der);
  if (!certificate) return unauthorized(certificate.error().message);
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(clock_.wall_now().time_since_epoch()).count();
  if (now < certificate->not_before || now > certificate->not_after)
    return unauthorized("the front proxy's certificate has expired or is not yet valid");
  if (!config_.allowed_names.empty() && std::ranges::find(config_.allowed_names, certificate->common_name) == config_.allowed_names.end())
    return unauthorized("x509: subject with cn=" + certificate->common_name + " is not in the allowed list");
  return Unit{};
}

std::optional<AuthenticationResult> FrontProxyAuthenticator::authenticate_now(const net::Request& request) {
  if (!request.peer || request.peer->front_proxy_der.empty()) return AuthenticationResult(std::nullopt);
  if (auto good = check_proxy(request.peer->front_proxy_der); !good) return AuthenticationResult(Unexpected(std::move(good.error())));
  AuthenticationResponse response;
  response.user.name = first_value(request.headers, config_.username_headers);
  if (response.user.name.empty()) return AuthenticationResult(std::nullopt);
  response.user.uid = first_value(request.headers, config_.uid_headers);
  for (const std::string& name : config_.group_headers)
    for (const std::string_view value : request.headers.get_all(name))
      if (!value.empty()) response.user.groups.emplace_back(value);
  response.user.extra = extra_of(request.headers, config_.extra_header_prefixes);
  return AuthenticationResult(std::move(response));
}

void FrontProxyAuthenticator::drop_headers(net::Headers& headers) const {
  for (const auto* names : {&config_.username_headers, &config_.uid_headers, &config_.group_headers})
    for (const std::string& name : *names) headers.remove(name);
  std::vector<std::string> extra;
  for (const auto& [name, value] : headers.items())
    if (std::ranges::any_of(config_.extra_header_prefixes, [&](const std::string& prefix) { return starts_fold(name, prefix); }))
      extra.push_back(name);
  for (const std::string& name : extra) headers.remove(name);
}

}  // namespace pintle::apiserver::authentication
