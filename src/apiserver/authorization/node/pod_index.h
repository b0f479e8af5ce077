// PodIndex: which pods are on which node, and on demand what they refer to. An event costs a look-up and no decoding; the
// references of a pod are read when its node first asks, and kept until the pod changes. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authorization/node/pod_references.h"
#include "apiserver/types/resource_reader.h"
#include "base/mutex.h"
#include "base/text_map.h"

namespace pintle::apiserver::authorization::node {

class PodIndex {
 public:
  // `reader` outlives this.
  explicit PodIndex(const ResourceReader& reader) : reader_(reader) {}
  // From ResourceReader::subscribe on pods.
  void apply(const storage::CacheEvent& event);
  // True if `test` holds for the references of a pod on `node` in `ns` ("": in any namespace).
  bool any(std::string_view node, std::string_view ns, const std::function<bool(std::string_view pod_ns, const PodReferences&)>& test) const;
  bool has(std::string_view node, std::string_view ns, std::string_view pod) const;

 private:
  struct Entry {
    storage::CachedObjectPtr pod;
    std::shared_ptr<const PodReferences> references;  // nullptr: not read yet
  };
  void remove(std::string_view node, const storage::CachedObject& pod) REQUIRES(mutex_);
  std::vector<Entry> entries_of(std::string_view node, std::string_view ns) const;
  void remember(std::string_view node, const Entry& entry) const;

  const ResourceReader& reader_;
  mutable ThreadMutex mutex_;
  mutable TextMap<std::vector<Entry>> nodes_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::authorization::node
