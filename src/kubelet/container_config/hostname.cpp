#include "kubelet/container_config/hostname.h"

#include "apimachinery/validation/formats.h"
#include "codec/json_text.h"

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;

namespace {

constexpr std::size_t hostname_max = 63;
constexpr std::size_t kernel_hostname_max = 64;

Unexpected<Status> bad_name(std::string_view field, const std::string& value, std::string_view what, const apimachinery::Faults& faults) {
  std::string text;
  for (const auto& fault : faults) {
    if (!text.empty()) text += ';';
    text += fault;
  }
  return error(Reason::Invalid, "pod " + std::string(field) + " " + codec::go_quote(value) + " is not a valid " + std::string(what) + ": " + text);
}

std::string cut(std::string name) {
  if (name.size() <= hostname_max) return name;
  name.resize(hostname_max);
  while (name.ends_with('-') || name.ends_with('.')) name.pop_back();
  return name;
}

std::string alias_lines(const std::vector<core::HostAlias>& aliases) {
  if (aliases.empty()) return {};
  std::string out = "\n# Entries added by HostAliases.\n";
  for (const core::HostAlias& alias : aliases) {
    out += alias.ip + '\t';
    for (std::size_t i = 0; i < alias.hostnames.size(); ++i) {
      if (i > 0) out += '\t';
      out += alias.hostnames[i];
    }
    out += '\n';
  }
  return out;
}

}  // namespace

Result<PodHostname> pod_hostname(const core::Pod& pod, std::string_view cluster_domain) {
  const core::PodSpec& spec = pod.spec;
  if (spec.hostname_override) {
    if (const auto faults = apimachinery::check_dns_subdomain(*spec.hostname_override); !faults.empty())
      return bad_name("HostnameOverride", *spec.hostname_override, "DNS subdomain", faults);
    return PodHostname{cut(*spec.hostname_override), {}};
  }
  PodHostname out;
  out.name = spec.hostname.empty() ? pod.metadata.name : spec.hostname;
  if (!spec.hostname.empty())
    if (const auto faults = apimachinery::check_dns_label(spec.hostname); !faults.empty())
      return bad_name("Hostname", spec.hostname, "DNS label", faults);
  out.name = cut(std::move(out.name));
  if (spec.subdomain.empty()) return out;
  if (const auto faults = apimachinery::check_dns_label(spec.subdomain); !faults.empty())
    return bad_name("Subdomain", spec.subdomain, "DNS label", faults);
  out.domain = spec.subdomain + "." + pod.metadata.namespace_ + ".svc." + std::string(cluster_domain);
  return out;
}

Result<std::string> kernel_hostname(const core::Pod& pod, const PodHostname& hostname) {
  if (hostname.domain.empty() || !pod.spec.set_hostname_as_fqdn.value_or(false)) return hostname.name;
  std::string whole = hostname.name + "." + hostname.domain;
  if (whole.size() > kernel_hostname_max)
    return error(Reason::Invalid, "failed to construct FQDN from pod hostname and cluster domain, FQDN " + whole + " is too long (" +
                                      std::to_string(kernel_hostname_max) + " characters is the max, " + std::to_string(whole.size()) +
                                      " characters requested)");
  return whole;
}

std::string managed_hosts(const std::vector<std::string>& pod_ips, const PodHostname& hostname, const std::vector<core::HostAlias>& aliases) {
  std::string out =
      "# Kubernetes-managed hosts file.\n"
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\n"
      "fe00::0\tip6-mcastprefix\n"
      "fe00::1\tip6-allnodes\n"
      "fe00::2\tip6-allrouters\n";
  for (const std::string& ip : pod_ips) {
    out += ip + '\t';
    if (!hostname.domain.empty()) out += hostname.name + "." + hostname.domain + '\t';
    out += hostname.name + '\n';
  }
  return out + alias_lines(aliases);
}

std::string node_hosts(std::string_view node_file, const std::vector<core::HostAlias>& aliases) {
  return "# Kubernetes-managed hosts file (host network).\n" + std::string(node_file) + alias_lines(aliases);
}

}  // namespace pintle::kubelet::container_config
