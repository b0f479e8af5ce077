#include "apiserver/admission/configured/webhook_credentials.h"

#include <algorithm>

#include "net/url.h"

namespace pintle::apiserver::admission::configured {

namespace {

using CredentialsPtr = std::shared_ptr<const client::Credentials>;

constexpr std::string_view https_port = ":443";

CredentialsPtr of_user(const client::KubeconfigUsers& users, std::string_view name) {
  const auto found = users.by_name.find(name);
  return found == users.by_name.end() ? nullptr : found->second;
}

// By its name, or by that of what is above it.
CredentialsPtr of_name(const client::KubeconfigUsers& users, std::string_view name) {
  if (auto found = of_user(users, name)) return found;
  for (std::size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1))
    if (auto found = of_user(users, "*" + std::string(name.substr(dot)))) return found;
  return nullptr;
}

}  // namespace

std::string host_and_port(const callout::Target& target) {
  if (target.service) return target.service->tls_name() + ":" + std::to_string(target.service->port);
  const auto url = net::parse_url(target.url);
  return url ? net::join_host_port(url->host, std::to_string(url->port)) : "";
}

CredentialsPtr credentials_for(const client::KubeconfigUsers& users, std::string_view name) {
  if (auto found = of_name(users, name)) return found;
  if (name.ends_with(https_port)) {
    std::string_view host = name.substr(0, name.size() - https_port.size());
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (auto found = of_name(users, host)) return found;
  }
  if (auto found = of_user(users, "*")) return found;
  return users.current.empty() ? nullptr : of_user(users, users.current);
}

}  // namespace pintle::apiserver::admission::configured
