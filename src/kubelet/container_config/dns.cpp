#include "kubelet/container_config/dns.h"

#include <algorithm>

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;
namespace cri_v1 = api::cri_v1;

namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  constexpr std::string_view space = " \t\r\v\f";
  while (true) {
    const std::size_t begin = line.find_first_not_of(space);
    if (begin == std::string_view::npos) return out;
    line.remove_prefix(begin);
    const std::size_t end = line.find_first_of(space);
    out.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end, line.size()));
  }
}

std::string_view option_name(std::string_view option) { return option.substr(0, option.find(':')); }

// Replaces the option of the same name, or appends.
void put_option(std::vector<std::string>& options, std::string_view option) {
  for (std::string& mine : options) {
    if (option_name(mine) != option_name(option)) continue;
    mine = option;
    return;
  }
  options.emplace_back(option);
}

void add_new(std::vector<std::string>& to, const std::vector<std::string>& more) {
  for (const std::string& text : more)
    if (std::ranges::find(to, text) == to.end()) to.push_back(text);
}

std::string join(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += ' ';
    out += text;
  }
  return out;
}

enum class Source { Cluster, Host, None };

Source source_of(const core::Pod& pod) {
  const std::string& policy = pod.spec.dns_policy;
  if (policy == "None") return Source::None;
  if (policy == "Default") return Source::Host;
  if (policy == "ClusterFirst" && pod.spec.host_network) return Source::Host;
  return Source::Cluster;
}

void use_cluster(const core::Pod& pod, const NodeConfig& node, cri_v1::DNSConfig& dns) {
  dns.servers = node.cluster_dns;
  dns.options = {"ndots:5"};
  if (node.cluster_domain.empty()) return;
  const std::vector<std::string> host_searches = std::move(dns.searches);
  const std::string services = "svc." + node.cluster_domain;
  dns.searches = {pod.metadata.namespace_ + "." + services, services, node.cluster_domain};
  add_new(dns.searches, host_searches);
}

// Without a resolv.conf a resolver asks the local machine; say so, instead of leaving it to the runtime.
void use_nothing(const NodeConfig& node, cri_v1::DNSConfig& dns) {
  for (const std::string& ip : node.node_ips) dns.servers.emplace_back(ip.find(':') == std::string::npos ? "127.0.0.1" : "::1");
  if (dns.servers.empty()) dns.servers.emplace_back("127.0.0.1");
  dns.searches = {"."};
}

void merge(const core::PodDNSConfig& config, cri_v1::DNSConfig& dns) {
  std::vector<std::string> servers, searches;
  add_new(servers, dns.servers);
  add_new(servers, config.nameservers);
  add_new(searches, dns.searches);
  add_new(searches, config.searches);
  dns.servers = std::move(servers);
  dns.searches = std::move(searches);
  for (const core::PodDNSConfigOption& option : config.options) {
    const bool has_value = option.value && !option.value->empty();
    put_option(dns.options, has_value ? option.name + ":" + *option.value : option.name);
  }
}

void fit_limits(cri_v1::DNSConfig& dns, std::vector<ConfigWarning>& warnings) {
  if (dns.servers.size() > dns_servers_max) {
    dns.servers.resize(dns_servers_max);
    warnings.push_back({"DNSConfigForming",
                        "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: " + join(dns.servers)});
  }
  bool cut = dns.searches.size() > dns_searches_max;
  if (cut) dns.searches.resize(dns_searches_max);
  cut = std::erase_if(dns.searches, [](const std::string& search) { return search.size() > dns_search_max; }) > 0 || cut;
  while (join(dns.searches).size() > dns_search_line_max) {
    dns.searches.pop_back();
    cut = true;
  }
  if (cut)
    warnings.push_back({"DNSConfigForming",
                        "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: " + join(dns.searches)});
}

}  // namespace

Result<ResolvConf> parse_resolv_conf(std::string_view text) {
  ResolvConf out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const auto words = words_of(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (words.empty() || words[0].starts_with('#')) continue;
    if (words[0] == "nameserver") {
      if (words.size() < 2) return error(Reason::Invalid, "Encountered error while parsing resolv conf file. Error: nameserver list is empty ");
      out.servers.emplace_back(words[1]);
    } else if (words[0] == "search") {
      out.searches.clear();
      for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i] == ".") continue;
        out.searches.emplace_back(words[i].ends_with('.') ? words[i].substr(0, words[i].size() - 1) : words[i]);
      }
    } else if (words[0] == "options") {
      for (std::size_t i = 1; i < words.size(); ++i) put_option(out.options, words[i]);
    }
  }
  return out;
}

Result<cri_v1::DNSConfig> make_dns_config(const core::Pod& pod, const NodeConfig& node, std::vector<ConfigWarning>& warnings) {
  TRY_ASSIGN(ResolvConf host, parse_resolv_conf(node.has_resolv_conf ? std::string_view(node.resolv_conf) : std::string_view()));
  cri_v1::DNSConfig dns;
  Source source = source_of(pod);
  if (source != Source::None) {
    dns.servers = std::move(host.servers);
    dns.searches = std::move(host.searches);
    dns.options = std::move(host.options);
  }
  if (source == Source::Cluster && node.cluster_dns.empty()) {
    warnings.push_back(
        {"MissingClusterDNS",
         "pod: \"" + pod.metadata.name + "_" + pod.metadata.namespace_ + "(" + pod.metadata.uid +
             ")\". kubelet does not have ClusterDNS IP configured and cannot create Pod using \"ClusterFirst\" policy. Falling back to "
             "\"Default\" policy."});
    source = Source::Host;
  }
  if (source == Source::Cluster) use_cluster(pod, node, dns);
  if (source == Source::Host && !node.has_resolv_conf) use_nothing(node, dns);
  if (pod.spec.dns_config) merge(*pod.spec.dns_config, dns);
  fit_limits(dns, warnings);
  return dns;
}

}  // namespace pintle::kubelet::container_config
