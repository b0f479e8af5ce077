// ChangedNames: the names of objects that want a look, and the loop that looks at them: level-triggered, without timers while nothing is wrong.
// Shared by whoever adds names and the loop; thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/sync.h"
#include "rt/task.h"

namespace pintle::apiserver::registry {

class ChangedNames {
 public:
  // An error has the name looked at again, with growing pauses.
  using Look = std::function<rt::Task<Result<Unit>>(const std::string& name)>;
  using Failed = std::function<void(const Status& why, const std::string& name)>;

  // Nothing after close().
  void add(std::string_view name);
  void close();
  // Those that are waiting, which then are no longer.
  std::set<std::string> take();
  // Looks at one name after another until `ctx` is done, or at so many at once.
  rt::Task<void> follow(rt::Context ctx, Look look, Failed failed, std::size_t at_once = 1);

 private:
  static rt::Task<void> look_into(const Look& look, std::string name, std::map<std::string, Status>& failures);

  ThreadMutex mutex_;
  std::set<std::string> names_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  rt::Event event_;
};

}  // namespace pintle::apiserver::registry
