#include "kubelet/container_config/container_port.h"

#include <algorithm>
#include <charconv>

namespace pintle::kubelet::container_config {

Result<uint16_t> resolve_port(const api::IntOrString& port, const api::core_v1::Container& container) {
  int64_t number = port.int_value;
  if (port.is_string) {
    const std::string& text = port.string_value;
    const auto named = std::ranges::find(container.ports, text, &api::core_v1::ContainerPort::name);
    if (named != container.ports.end()) {
      number = named->container_port;
    } else {
      const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (failed != std::errc() || stop != text.data() + text.size())
        return error(Reason::Invalid, "strconv.Atoi: parsing \"" + text + "\": invalid syntax");
    }
  }
  if (number < 1 || number > 65535) return error(Reason::Invalid, "invalid port number: " + std::to_string(number));
  return static_cast<uint16_t>(number);
}

}  // namespace pintle::kubelet::container_config
