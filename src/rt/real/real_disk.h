#pragma once

#include "rt/file.h"

namespace pintle::rt {

// The machine's files. Stateless.
class RealDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenOptions options) override;
  Result<FileStat> stat(const std::string& path) override;
  Result<Unit> rename(const std::string& from, const std::string& to) override;
  Result<Unit> remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<Unit> make_directories(const std::string& path, uint32_t mode) override;
  Result<Unit> sync_directory(const std::string& path) override;
};

}  // namespace pintle::rt
