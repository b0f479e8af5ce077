#include <algorithm>
#include <array>

#include "api/gen/networking_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/networking/networking.h"
#include "base/ip_address.h"
#include "base/strings.h"

namespace pintle::apiserver::resources {
namespace {

namespace networking = api::networking_v1;
using apimachinery::BadValue;

constexpr std::string_view class_annotation = "kubernetes.io/ingress.class";
constexpr std::string_view default_annotation = "ingressclass.kubernetes.io/is-default-class";

void validate_host(const std::string& host, const FieldPath& path, FieldErrors& errors) {
  if (host.find('*') != std::string::npos) {
    errors.invalid_all(path, host, apimachinery::check_wildcard_dns_subdomain(host));
  } else {
    errors.invalid_all(path, host, apimachinery::check_dns_subdomain(host));
  }
}

void validate_backend(const networking::IngressBackend& backend, const FieldPath& path, FieldErrors& errors) {
  if (backend.resource && backend.service) {
    errors.invalid(path, BadValue::raw("{...}"), "cannot set both resource and service backends");
  } else if (backend.resource) {
    if (backend.resource->kind.empty()) errors.required(path.child("resource", "kind"));
    if (backend.resource->name.empty()) errors.required(path.child("resource", "name"));
  } else if (backend.service) {
    if (backend.service->name.empty()) {
      errors.required(path.child("service", "name"));
    } else {
      errors.invalid_all(path.child("service", "name"), backend.service->name, apimachinery::check_dns1035_label(backend.service->name));
    }
    const networking::ServiceBackendPort& port = backend.service->port;
    if (port.name.empty() && port.number == 0) {
      errors.required(path, "port name or number is required");
    } else if (!port.name.empty() && port.number != 0) {
      errors.invalid(path, BadValue::raw("{...}"), "cannot set both port name & port number");
    } else if (!port.name.empty()) {
      errors.invalid_all(path.child("service").child("port", "name"), port.name, apimachinery::check_port_name(port.name));
    } else {
      errors.invalid_all(path.child("service").child("port", "number"), port.number, apimachinery::check_port_number(port.number));
    }
  } else {
    errors.invalid(path, BadValue::raw("{}"), "resource or service backend is required");
  }
}

void validate_path(const networking::HTTPIngressPath& http, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> types{"Exact", "ImplementationSpecific", "Prefix"};
  constexpr std::array<std::string_view, 5> sequences{"//", "/./", "/../", "%2f", "%2F"};
  if (!http.path_type) {
    errors.required(path.child("pathType"), "pathType must be specified");
  } else if (*http.path_type == "Exact" || *http.path_type == "Prefix") {
    if (!http.path.starts_with('/')) errors.invalid(path.child("path"), http.path, "must be an absolute path");
    if (!http.path.empty()) {
      for (const std::string_view sequence : sequences)
        if (http.path.find(sequence) != std::string::npos)
          errors.invalid(path.child("path"), http.path, "must not contain '" + std::string(sequence) + "'");
      for (const std::string_view end : {"/..", "/."})
        if (http.path.ends_with(end)) errors.invalid(path.child("path"), http.path, "cannot end with '" + std::string(end) + "'");
    }
  } else if (*http.path_type == "ImplementationSpecific") {
    if (!http.path.empty() && !http.path.starts_with('/')) errors.invalid(path.child("path"), http.path, "must be an absolute path");
  } else {
    errors.not_supported(path.child("pathType"), *http.path_type, types);
  }
  validate_backend(http.backend, path.child("backend"), errors);
}

class IngressStrategy : public registry::TypedStrategy<networking::Ingress> {
 public:
  void prepare_for_create(const RequestScope&, networking::Ingress& ingress) const override { ingress.status = networking::IngressStatus(); }
  void validate(const RequestScope&, const networking::Ingress& ingress, FieldErrors& errors) const override {
    const networking::IngressSpec& spec = ingress.spec;
    const FieldPath at("spec");
    if (spec.rules.empty() && !spec.default_backend) errors.invalid(at, BadValue::raw("[]"), "either `defaultBackend` or `rules` must be specified");
    if (spec.default_backend) validate_backend(*spec.default_backend, at.child("defaultBackend"), errors);
    for (std::size_t i = 0; i < spec.rules.size(); ++i) {
      const networking::IngressRule& rule = spec.rules[i];
      const FieldPath one = at.child("rules").index(i);
      if (!rule.host.empty()) {
        if (parse_address(rule.host, IpSyntax::Strict)) errors.invalid(one.child("host"), rule.host, "must be a DNS name, not an IP address");
        validate_host(rule.host, one.child("host"), errors);
      }
      if (!rule.http) continue;
      if (rule.http->paths.empty()) errors.required(one.child("http", "paths"));
      for (std::size_t p = 0; p < rule.http->paths.size(); ++p) validate_path(rule.http->paths[p], one.child("http", "paths").index(p), errors);
    }
    for (std::size_t i = 0; i < spec.tls.size(); ++i) {
      for (std::size_t h = 0; h < spec.tls[i].hosts.size(); ++h)
        validate_host(spec.tls[i].hosts[h], at.child("tls").index(i).child("hosts").index(h), errors);
      if (!spec.tls[i].secret_name.empty())
        errors.invalid_all(at.child("tls").index(i).child("secretName"), spec.tls[i].secret_name,
                           apimachinery::check_dns_subdomain(spec.tls[i].secret_name));
    }
    if (spec.ingress_class_name)
      errors.invalid_all(at.child("ingressClassName"), *spec.ingress_class_name, apimachinery::check_dns_subdomain(*spec.ingress_class_name));
    if (const std::string* annotated = ingress.metadata.annotations.get(class_annotation);
        annotated && spec.ingress_class_name && *annotated != *spec.ingress_class_name)
      errors.invalid(FieldPath("annotations").child(class_annotation), *annotated, "must match `ingressClassName` when both are specified");
  }
  void table_cells(const networking::Ingress& ingress, registry::TableCells& cells) const override {
    const std::string* annotated = ingress.metadata.annotations.get(class_annotation);
    cells.emplace_back(ingress.metadata.name);
    cells.emplace_back(ingress.spec.ingress_class_name ? *ingress.spec.ingress_class_name : annotated ? *annotated : "<none>");
    cells.emplace_back(hosts_text(ingress.spec.rules));
    cells.emplace_back(addresses_text(ingress.status));
    cells.emplace_back(ingress.spec.tls.empty() ? "80" : "80, 443");
    cells.push_back(registry::TableCell::age(ingress.metadata.creation_timestamp));
  }

 private:
  static constexpr std::size_t hosts_shown_max = 3;
  static std::string hosts_text(const std::vector<networking::IngressRule>& rules) {
    std::string out;
    std::size_t count = 0;
    for (const networking::IngressRule& rule : rules) {
      if (rule.host.empty()) continue;
      if (++count <= hosts_shown_max) out += (out.empty() ? "" : ",") + rule.host;
    }
    if (count > hosts_shown_max) out += " + " + std::to_string(count - hosts_shown_max) + " more...";
    return out.empty() ? "*" : out;
  }
  static std::string addresses_text(const networking::IngressStatus& status) {
    std::string out;
    for (const networking::IngressLoadBalancerIngress& ingress : status.load_balancer.ingress)
      out += (out.empty() ? "" : ",") + (ingress.ip.empty() ? ingress.hostname : ingress.ip);
    return out;
  }
};

class IngressClassStrategy : public registry::TypedStrategy<networking::IngressClass> {
 public:
  void validate(const RequestScope&, const networking::IngressClass& ingress_class, FieldErrors& errors) const override {
    constexpr std::array<std::string_view, 2> scopes{"Cluster", "Namespace"};
    const FieldPath at("spec");
    if (ingress_class.spec.controller.size() > 250) errors.too_long(at.child("controller"), 250);
    errors.invalid_all(at.child("controller"), ingress_class.spec.controller,
                       apimachinery::check_domain_prefixed_path(ingress_class.spec.controller));
    if (!ingress_class.spec.parameters) return;
    const networking::IngressClassParametersReference& reference = *ingress_class.spec.parameters;
    const FieldPath parameters = at.child("parameters");
    if (reference.api_group)
      errors.invalid_all(parameters.child("apiGroup"), *reference.api_group, apimachinery::check_dns_subdomain(*reference.api_group));
    if (reference.kind.empty()) errors.required(parameters.child("kind"));
    if (reference.name.empty()) errors.required(parameters.child("name"));
    if (!reference.scope) {
      errors.required(parameters.child("scope"));
      return;
    }
    if (!contains(scopes, *reference.scope)) errors.not_supported(parameters.child("scope"), *reference.scope, scopes);
    if (*reference.scope == "Namespace" && reference.namespace_.value_or("").empty())
      errors.required(parameters.child("namespace"), "`parameters.scope` is set to 'Namespace'");
    if (*reference.scope == "Cluster" && reference.namespace_)
      errors.forbidden(parameters.child("namespace"), "`parameters.scope` is set to 'Cluster'");
  }
  void validate_update(const RequestScope&, const networking::IngressClass& ingress_class, const networking::IngressClass& old,
                       FieldErrors& errors) const override {
    if (ingress_class.spec.controller != old.spec.controller)
      errors.invalid(FieldPath("spec", "controller"), ingress_class.spec.controller, "field is immutable");
  }
  void table_cells(const networking::IngressClass& ingress_class, registry::TableCells& cells) const override {
    const std::string* by_default = ingress_class.metadata.annotations.get(default_annotation);
    cells.emplace_back(ingress_class.metadata.name + (by_default && *by_default == "true" ? " (default)" : ""));
    cells.emplace_back(ingress_class.spec.controller);
    std::string parameters = "<none>";
    if (const auto& reference = ingress_class.spec.parameters)
      parameters = reference->kind + (reference->api_group ? "." + *reference->api_group : "") + "/" + reference->name;
    cells.emplace_back(parameters);
    cells.push_back(registry::TableCell::age(ingress_class.metadata.creation_timestamp));
  }
};

}  // namespace

registry::ResourceDefinition ingresses() {
  registry::ResourceDefinition out;
  out.resource = {"networking.k8s.io", "ingresses"};
  out.key_prefix = "ingress";
  out.strategy = std::make_shared<IngressStrategy>();
  out.has_status = true;
  out.has_generation = true;
  return out;
}

registry::ResourceDefinition ingress_classes() {
  return {.resource = {"networking.k8s.io", "ingressclasses"}, .strategy = std::make_shared<IngressClassStrategy>(), .has_generation = true};
}

}  // namespace pintle::apiserver::resources
