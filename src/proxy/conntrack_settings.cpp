#include "proxy/conntrack_settings.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "component/log.h"
#include "os/read_file.h"

namespace pintle::proxy {
namespace {

using Config = api::kubeproxyconfig_v1alpha1::KubeProxyConntrackConfiguration;

constexpr std::string_view folder = "/proc/sys/net/netfilter/";

int64_t seconds_of(const api::Duration& duration) { return duration.nanos / 1'000'000'000; }

std::optional<int64_t> read_number(const std::string& path) {
  const auto text = os::read_file(path);
  int64_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

std::vector<SysctlWrite> plan_conntrack(const Config& config, std::size_t cores,
                                        const std::function<std::optional<int64_t>(const std::string&)>& current) {
  std::vector<SysctlWrite> out;
  const auto want = [&](std::string_view name, int64_t value, bool only_more) {
    const std::string path = std::string(folder) + std::string(name);
    const auto now = current(path);
    if (now && *now != value && !(only_more && *now > value)) out.push_back({path, value});
  };
  if (const int64_t per_core = config.max_per_core.value_or(0); per_core > 0)
    want("nf_conntrack_max", std::max<int64_t>(per_core * static_cast<int64_t>(cores), config.min.value_or(0)), true);
  if (config.tcp_established_timeout && config.tcp_established_timeout->nanos > 0)
    want("nf_conntrack_tcp_timeout_established", seconds_of(*config.tcp_established_timeout), false);
  if (config.tcp_close_wait_timeout && config.tcp_close_wait_timeout->nanos > 0)
    want("nf_conntrack_tcp_timeout_close_wait", seconds_of(*config.tcp_close_wait_timeout), false);
  if (config.tcp_be_liberal) want("nf_conntrack_tcp_be_liberal", 1, false);
  if (config.udp_timeout.nanos > 0) want("nf_conntrack_udp_timeout", seconds_of(config.udp_timeout), false);
  if (config.udp_stream_timeout.nanos > 0) want("nf_conntrack_udp_timeout_stream", seconds_of(config.udp_stream_timeout), false);
  return out;
}

void apply_conntrack(const Config& config) {
  const auto cores = static_cast<std::size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  for (const SysctlWrite& write : plan_conntrack(config, cores, read_number))
    if (auto done = os::write_file(write.path, std::to_string(write.value)); !done)
      component::log::warning("Cannot change a limit of connection tracking",
                              {{"path", write.path}, {"value", std::to_string(write.value)}, {"err", done.error().message}});
}

}  // namespace pintle::proxy
