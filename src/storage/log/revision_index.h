// RevisionIndex: from each key to its revisions, in memory, as etcd has it. It answers guards and tells which rows of the
// log a read at any uncompacted revision consists of. Pure: no I/O, no lock.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/log/revision_log.h"

namespace pintle::storage {

class RevisionIndex {
 public:
  // The newest state of a key that exists.
  struct Head {
    int64_t mod_revision = 0;
    int64_t create_revision = 0;
    int64_t version = 0;
    uint32_t value_bytes = 0;
  };

  // Rows come by revision. The values are not kept.
  void apply(const LogRow& row);
  // nullptr if the key does not exist now.
  const Head* find(std::string_view key) const;
  // The row of the key's state just before `revision`; 0 if it did not exist or that is compacted.
  int64_t before(std::string_view key, int64_t revision) const;

  struct Selection {
    std::vector<int64_t> revisions;  // one row a key, by key
    int64_t count = 0;               // keys in the range, the limit aside
  };
  // Keys in [start, end) as they were at `revision`, which is not compacted. `end` as in RangeRequest.
  Selection select(std::string_view start, std::string_view end, int64_t revision, std::size_t limit, bool count_only) const;

  // Forgets what only revisions before `revision` show; the rows to drop are appended to `dropped`, at most `max` of them.
  // False if more are left: call again.
  bool compact(int64_t revision, std::size_t max, std::vector<int64_t>& dropped);

  int64_t newest() const { return newest_; }
  std::size_t keys() const { return keys_.size(); }
  // Whether compact(newest()) would drop any row.
  bool compactable() const { return !superseded_.empty() && superseded_.front().by < newest_; }
  // Bytes of values and keys that have been superseded since the index was made, whether dropped or not.
  int64_t superseded_bytes() const { return superseded_bytes_; }

 private:
  struct Entry {
    Head head;                   // version 0: the newest row is a tombstone
    std::vector<int64_t> older;  // ascending, each revision * 2 + (1 if a tombstone)
  };
  using Keys = std::map<std::string, Entry, std::less<>>;
  struct Superseded {
    int64_t by;  // the row may go when revisions before `by` + 1 are forgotten
    int64_t revision;
    Keys::iterator entry;
  };
  // The row that shows `entry` at `revision`; 0 if there is none.
  static int64_t at(const Entry& entry, int64_t revision);

  Keys keys_;
  std::deque<Superseded> superseded_;
  int64_t newest_ = 0;
  int64_t superseded_bytes_ = 0;
};

}  // namespace pintle::storage
