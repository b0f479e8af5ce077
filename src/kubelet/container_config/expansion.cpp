#include "kubelet/container_config/expansion.h"

namespace pintle::kubelet::container_config {

std::string expand(std::string_view text, const std::function<std::optional<std::string>(std::string_view name)>& value) {
  std::string out;
  while (true) {
    const std::size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) return out;
    text.remove_prefix(dollar + 1);
    if (text.empty()) return out += '$';
    const std::size_t close = text.front() == '(' ? text.find(')') : std::string_view::npos;
    if (close == std::string_view::npos) {
      // "$$" is one dollar; a dollar before anything else is itself.
      if (text.front() != '$') out += '$';
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::string_view name = text.substr(1, close - 1);
    if (auto found = value(name))
      out += *found;
    else
      out.append("$(").append(name).append(")");
    text.remove_prefix(close + 1);
  }
}

}  // namespace pintle::kubelet::container_config
