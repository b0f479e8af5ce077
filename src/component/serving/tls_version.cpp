#include "component/serving/tls_version.h"

namespace pintle::component {

Result<int> parse_tls_min_version(std::string_view text, std::string_view setting) {
  if (text.empty() || text == "VersionTLS12") return 12;
  if (text == "VersionTLS13") return 13;
  return bad_request(std::string(setting) + " must be VersionTLS12 or VersionTLS13");
}

}  // namespace pintle::component
