#include "csi/redact.h"

#include <algorithm>

namespace pintle::csi {

std::vector<std::string> secret_values(const FlatMap<std::string>& secrets, const FlatMap<std::string>& volume_context) {
  std::vector<std::string> out;
  for (const auto& [name, value] : secrets) {
    if (value.size() >= secret_bytes_min) out.push_back(value);
  }
  for (const auto& [name, value] : volume_context) {
    if (name == tokens_key && value.size() >= secret_bytes_min) out.push_back(value);
  }
  std::ranges::sort(out, [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  return out;
}

std::string redact(std::string text, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    std::size_t at = 0;
    while ((at = text.find(value, at)) != std::string::npos) {
      text.replace(at, value.size(), stripped);
      at += stripped.size();
    }
  }
  return text;
}

}  // namespace pintle::csi
