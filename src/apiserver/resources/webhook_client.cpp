#include "apiserver/resources/webhook_client.h"

#include "apimachinery/validation/formats.h"
#include "codec/base64.h"
#include "component/certificate/certificate.h"

namespace pintle::apiserver::resources {

using apimachinery::FieldErrors;
using apimachinery::FieldPath;

namespace {

// The parts of a URL, as RFC 3986 cuts them.
struct UrlParts {
  std::string_view scheme, user, host, query, fragment;
  bool has_user = false;
};

UrlParts split(std::string_view url) {
  UrlParts parts;
  if (const std::size_t hash = url.find('#'); hash != url.npos) {
    parts.fragment = url.substr(hash + 1);
    url = url.substr(0, hash);
  }
  if (const std::size_t mark = url.find('?'); mark != url.npos) {
    parts.query = url.substr(mark + 1);
    url = url.substr(0, mark);
  }
  if (const std::size_t colon = url.find(':'); colon != url.npos && colon > 0 && url.substr(0, colon).find('/') == url.npos) {
    parts.scheme = url.substr(0, colon);
    url = url.substr(colon + 1);
  }
  if (!url.starts_with("//")) return parts;
  std::string_view authority = url.substr(2, url.find('/', 2) == url.npos ? url.npos : url.find('/', 2) - 2);
  if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
    parts.has_user = true;
    parts.user = authority.substr(0, at);
    authority = authority.substr(at + 1);
  }
  parts.host = authority;
  return parts;
}

bool is_url(std::string_view url) {
  for (const char c : url)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  for (std::size_t i = 0; i < url.size(); ++i) {
    if (url[i] != '%') continue;
    const auto hex = [&](std::size_t at) { return at < url.size() && std::isxdigit(static_cast<unsigned char>(url[at])); };
    if (!hex(i + 1) || !hex(i + 2)) return false;
  }
  return !url.starts_with(':');
}

void validate_path(const std::string& url_path, const FieldPath& path, FieldErrors& errors) {
  if (url_path.empty() || url_path == "/") return;
  if (url_path == "//") {
    errors.invalid(path, url_path, "segment[0] may not be empty");
    return;
  }
  if (!url_path.starts_with('/')) errors.invalid(path, url_path, "must start with a '/'");
  std::string_view rest = std::string_view(url_path).substr(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  for (std::size_t i = 0;; ++i) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    const std::string which = "segment[" + std::to_string(i) + "]";
    if (segment.empty()) {
      errors.invalid(path, url_path, which + " may not be empty");
    } else {
      for (const auto& fault : apimachinery::check_dns_subdomain(segment)) errors.invalid(path, url_path, which + ": " + fault);
    }
    if (slash == rest.npos) return;
    rest = rest.substr(slash + 1);
  }
}

}  // namespace

void validate_webhook_url(std::string_view url, const FieldPath& path, FieldErrors& errors) {
  if (!is_url(url)) {
    errors.required(path, "must be a URL of the form https://host[/path]");
    return;
  }
  const UrlParts parts = split(url);
  if (parts.scheme != "https") errors.invalid(path, parts.scheme, "the scheme must be 'https', as in https://host[/path]");
  if (parts.host.empty()) errors.invalid(path, parts.host, "a host must be given, as in https://host[/path]");
  if (parts.has_user) errors.invalid(path, parts.user, "user information is not allowed here");
  if (!parts.fragment.empty()) errors.invalid(path, parts.fragment, "a fragment is not allowed here");
  if (!parts.query.empty()) errors.invalid(path, parts.query, "a query is not allowed here");
}

void validate_webhook_service(const WebhookService& service, const FieldPath& path, FieldErrors& errors) {
  if (service.name.empty()) errors.required(path.child("name"));
  if (service.ns.empty()) errors.required(path.child("namespace"));
  for (const auto& fault : apimachinery::check_port_number(service.port))
    errors.invalid(path.child("port"), service.port, "port is not valid: " + fault);
  if (service.path) validate_path(*service.path, path.child("path"), errors);
}

bool is_usable_ca_bundle(std::string_view ca_bundle) { return ca_bundle.empty() || component::check_authorities_pem(ca_bundle).has_value(); }

void validate_ca_bundle(std::string_view ca_bundle, const FieldPath& path, FieldErrors& errors) {
  if (ca_bundle.empty()) return;
  if (const auto checked = component::check_authorities_pem(ca_bundle); !checked)
    errors.invalid(path, codec::base64(ca_bundle), "unable to load root certificates: " + checked.error().message);
}

}  // namespace pintle::apiserver::resources
