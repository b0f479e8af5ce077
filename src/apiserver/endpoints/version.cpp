#include "apiserver/endpoints/version.h"

#include <fmt/format.h>

namespace pintle::apiserver::endpoints {

std::string version_document() {
  return fmt::format(
      "{{\n  \"major\": \"{}\",\n  \"minor\": \"{}\",\n  \"emulationMajor\": \"{}\",\n  \"emulationMinor\": \"{}\",\n"
      "  \"minCompatibilityMajor\": \"1\",\n  \"minCompatibilityMinor\": \"35\",\n  \"gitVersion\": \"{}\",\n  \"gitCommit\": \"\",\n"
      "  \"gitTreeState\": \"\",\n  \"buildDate\": \"1970-01-01T00:00:00Z\",\n  \"goVersion\": \"\",\n  \"compiler\": \"gcc\",\n"
      "  \"platform\": \"linux/amd64\"\n}}",
      kubernetes_major, kubernetes_minor, kubernetes_major, kubernetes_minor, git_version);
}

}  // namespace pintle::apiserver::endpoints
