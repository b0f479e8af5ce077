// The text files that a node reads: of the kernel (/proc, control groups), resolv.conf, and logs in the CRI's format.
#include "base/check.h"
#include "dns/resolv_conf.h"
#include "driver.h"
#include "kubelet/server/log_lines.h"
#include "os/cgroup_tree.h"
#include "os/machine.h"
#include "os/mount.h"

namespace pintle::fuzz {
namespace {

void check_log(std::string_view input, bool timestamps) {
  kubelet::server::LogSelection selection;
  selection.timestamps = timestamps;
  selection.bytes_max = 1000;
  selection.lines_max = 50;
  kubelet::server::LogFilter filter(selection);
  std::string out;
  std::size_t lines = 0;
  while (!input.empty() && !filter.full()) {
    const auto end = input.find('\n');
    const std::string_view line = input.substr(0, end == input.npos ? input.npos : end + 1);
    filter.feed(line, out);
    input.remove_prefix(line.size());
    ++lines;
  }
  CHECK(out.size() <= 1000, "a client gets no more than it asked for");
  CHECK(lines > 0 || out.empty(), "no line, no output");
}

}  // namespace

void one(std::string_view input) {
  if (input.empty()) return;
  const std::string_view text = input.substr(1);
  switch (static_cast<unsigned char>(input[0]) % 5) {
    case 0:
      CHECK(dns::parse_resolv_conf(text).size() <= dns::upstreams_max, "no more servers than are asked");
      (void)dns::parse_upstream(text);
      break;
    case 1:
      for (const os::MountEntry& entry : os::parse_mount_info(text)) CHECK(entry.mount_point.size() <= text.size(), "escapes only shorten");
      break;
    case 2: (void)os::parse_memory_info(text); break;
    case 3: CHECK(os::parse_flat_keyed(text).size() <= text.size(), "a key takes a byte at least"); break;
    default: check_log(text, text.size() % 2 == 0);
  }
}

std::vector<std::string> seeds() {
  std::vector<std::string> out;
  const std::string_view texts[] = {
      "nameserver 10.0.0.1\nnameserver fd00::1%eth0\nsearch a b\noptions ndots:5\n",
      "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n",
      "MemTotal:       16384 kB\nMemAvailable:   8192 kB\nHugePages_Total:       4\nHugepagesize:       2048 kB\n",
      "anon 4096\nfile 8192\ninactive_file 1\ntotal_inactive_file 2\n",
      "2026-01-02T03:04:05.678901234Z stdout F one\n2026-01-02T03:04:05Z stderr P half\n2026-01-02T03:04:05+01:00 stderr F :rest\n"};
  for (std::size_t i = 0; i < std::size(texts); ++i) out.push_back(std::string(1, static_cast<char>(i)) + std::string(texts[i]));
  return out;
}
std::vector<std::string> tokens() {
  return {"nameserver ", "[fd00::1]:53",         " - ", "\\040", "\\134", "MemTotal:", " kB\n", " stdout F ",
          " stderr P ",  "18446744073709551615", "-1",  "T",     "Z"};
}

}  // namespace pintle::fuzz
