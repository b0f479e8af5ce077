// The page of metrics that the API server asks of a kubelet, whoever that is.
#include "apiserver/metrics_server/kubelet_page.h"
#include "base/check.h"
#include "driver.h"

namespace pintle::fuzz {
namespace {

using apiserver::metrics_server::KubeletPage;
using apiserver::metrics_server::KubeletPageReader;

Result<KubeletPage> read(std::string_view text, std::size_t piece) {
  KubeletPageReader reader(1'700'000'000'000);
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) TRY(reader.feed(text.substr(0, piece)));
  return reader.finish();
}

}  // namespace

void one(std::string_view input) {
  if (input.empty()) return;
  const std::size_t piece = 1 + static_cast<unsigned char>(input[0]);
  const auto whole = read(input.substr(1), input.size()), pieces = read(input.substr(1), piece);
  CHECK(whole.has_value() == pieces.has_value(), "a page is the same however it is cut");
  if (!whole) return;
  CHECK(whole->containers.size() == pieces->containers.size(), "and tells the same");
  CHECK(whole->containers.size() <= input.size(), "a container takes a line at least");
  for (const auto& container : whole->containers) {
    CHECK(!container.ns.empty() && container.ns.size() <= 63 && !container.pod.empty() && container.pod.size() <= 253, "names are bounded");
    CHECK(!container.container.empty() && container.container.size() <= 63, "names are bounded");
    CHECK(container.point.time_ms > 0 && container.point.start_ms >= 0, "times can be written");
  }
}

std::vector<std::string> seeds() {
  const std::string labels = R"({container="c",namespace="default",pod="web"} )";
  return {"\x07# HELP x y\ncontainer_cpu_usage_seconds_total" + labels + "1.5 1700000000123\ncontainer_memory_working_set_bytes" + labels +
              "4096\ncontainer_start_time_seconds" + labels + "1.7e9\ncontainer_swap_usage_bytes" + labels + "0\n",
          "\x20node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 2\nnode_swap_usage_bytes NaN\r\n"};
}
std::vector<std::string> tokens() {
  return {"container_cpu_usage_seconds_total",
          "container_memory_working_set_bytes",
          "container_start_time_seconds",
          "node_cpu_usage_seconds_total",
          "{container=\"",
          "\",namespace=\"",
          "\",pod=\"",
          "\"} ",
          "+Inf",
          "NaN",
          "1e308",
          "\n",
          "\r\n",
          "# TYPE ",
          "\\\"",
          "9223372036854775807"};
}

}  // namespace pintle::fuzz
