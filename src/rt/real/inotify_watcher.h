#pragma once

#include <vector>

#include "rt/file.h"
#include "rt/real/fd.h"

namespace pintle::rt {

// FileWatcher on inotify. It watches the directories that hold the files (and what their symbolic links lead to), since
// certificates are replaced by rename or by a switched link, and watches anew after each change.
class InotifyWatcher final : public FileWatcher {
 public:
  static Result<std::unique_ptr<FileWatcher>> make(std::vector<std::string> paths);
  InotifyWatcher(std::shared_ptr<Fd> fd, std::vector<std::string> paths);
  ~InotifyWatcher() override;
  Task<Result<Unit>> changed(Context ctx) override;

 private:
  // Directories that cannot be watched (not there) are left out: their nearest existing parent is watched instead.
  void watch();
  void watch_directory(std::string path);
  bool drain();

  std::shared_ptr<Fd> fd_;
  std::vector<std::string> paths_;
};

}  // namespace pintle::rt
