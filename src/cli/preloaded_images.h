// Images of a node without a registry: each archive in DATA_DIR/images (*.tar, also .tar.gz, .tgz, .tar.zst; of OCI or of docker save) is loaded
// into our containerd (packed ones by the machine's gzip or zstd) before pods start, and its images are never collected. An archive is loaded again
// when it has changed, or an image of it is gone.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "cli/layout.h"
#include "rt/runtime.h"

namespace pintle::cli {

constexpr std::size_t image_archives_max = 1024;
constexpr rt::Duration image_load_limit = std::chrono::minutes(30);  // of one archive

// How an archive was when it was loaded, and what came of it.
struct LoadedArchive {
  uint64_t bytes = 0;
  int64_t modified_unix_ns = 0;
  std::vector<std::string> images;  // their names, as containerd has them
  bool operator==(const LoadedArchive&) const = default;
};
using LoadedArchives = std::map<std::string, LoadedArchive>;  // by file name

bool is_image_archive(std::string_view file_name);
// Those of `names` that a loading program has spoken of, each as a word of its output.
std::vector<std::string> images_in_output(std::string_view output, const std::vector<std::string>& names);
std::string write_loaded_archives(const LoadedArchives& archives);
// BadRequest when it is none.
Result<LoadedArchives> parse_loaded_archives(std::string_view text);
// It is as it was, and all that came of it is there.
bool is_loaded(const LoadedArchives& archives, const std::string& file_name, const LoadedArchive& now, const std::set<std::string>& present);

// Loads what is not loaded, and returns the images of all archives. What cannot be loaded is logged with its file's name, and tried at the next
// start. containerd answers at its socket.
rt::Task<std::vector<std::string>> load_images(rt::Runtime& runtime, Layout layout);
// Whether there are archives, for nodes whose runtime is not ours.
bool has_image_archives(rt::Disk& disk, const Layout& layout);

}  // namespace pintle::cli
