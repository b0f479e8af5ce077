// The records of pulled images on the disk: ROOT/image_manager/pulling has a file for each pull under way, .../pulled one for each image,
// in upstream's layout and form: either kubelet finds what the other wrote. Calls block: run them on the blocking pool.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kubelet/images/pull_record.h"

namespace pintle::kubelet::images {

constexpr std::size_t record_bytes_max = 4 << 20;  // a larger file is not read: what it says is not known
constexpr std::size_t record_files_max = 100'000;  // looked at in a folder

class PullRecords {
 public:
  explicit PullRecords(const std::string& root_dir) : pulling_(root_dir + "/image_manager/pulling"), pulled_(root_dir + "/image_manager/pulled") {}

  Result<Unit> begin(const std::string& image) const;
  // No error if there is none.
  Result<Unit> end(const std::string& image) const;
  Result<bool> is_begun(const std::string& image) const;
  Result<std::vector<std::string>> begun() const;  // images

  // nullopt: there is none.
  Result<std::optional<ImagePulledRecord>> read(const std::string& image_ref) const;
  Result<Unit> write(const ImagePulledRecord& record) const;
  Result<Unit> remove(const std::string& image_ref) const;
  // Those that can be read.
  Result<std::vector<ImagePulledRecord>> all() const;

 private:
  std::string pulling_;
  std::string pulled_;
};

}  // namespace pintle::kubelet::images
