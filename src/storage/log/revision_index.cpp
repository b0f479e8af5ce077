#include "storage/log/revision_index.h"

#include <algorithm>

#include "base/check.h"

namespace pintle::storage {
namespace {

// What a row takes in the log and in memory beside its key and value, roughly.
constexpr int64_t row_overhead_bytes = 64;

}  // namespace

void RevisionIndex::apply(const LogRow& row) {
  CHECK(row.revision > newest_, "revisions only grow");
  newest_ = row.revision;
  auto it = keys_.lower_bound(row.key);
  if (it == keys_.end() || it->first != row.key) it = keys_.emplace_hint(it, row.key, Entry{});
  Entry& entry = it->second;
  if (entry.head.mod_revision != 0) {
    const bool was_tombstone = entry.head.version == 0;
    entry.older.push_back(entry.head.mod_revision * 2 + (was_tombstone ? 1 : 0));
    if (!was_tombstone) {
      superseded_.push_back({row.revision, entry.head.mod_revision, it});
      superseded_bytes_ += row_overhead_bytes + static_cast<int64_t>(row.key.size()) + entry.head.value_bytes;
    }
  }
  entry.head = {row.revision, row.create_revision, row.deleted ? 0 : row.version, row.value_bytes};
  if (row.deleted) {
    superseded_.push_back({row.revision, row.revision, it});
    superseded_bytes_ += row_overhead_bytes + static_cast<int64_t>(row.key.size());
  }
}

int64_t RevisionIndex::before(std::string_view key, int64_t revision) const {
  auto it = keys_.find(key);
  return it == keys_.end() ? 0 : at(it->second, revision - 1);
}

const RevisionIndex::Head* RevisionIndex::find(std::string_view key) const {
  auto it = keys_.find(key);
  return it == keys_.end() || it->second.head.version == 0 ? nullptr : &it->second.head;
}

int64_t RevisionIndex::at(const Entry& entry, int64_t revision) {
  if (entry.head.mod_revision <= revision) return entry.head.version == 0 ? 0 : entry.head.mod_revision;
  auto it = std::upper_bound(entry.older.begin(), entry.older.end(), revision * 2 + 1);
  if (it == entry.older.begin()) return 0;
  --it;
  return (*it & 1) != 0 ? 0 : *it / 2;
}

RevisionIndex::Selection RevisionIndex::select(std::string_view start, std::string_view end, int64_t revision, std::size_t limit,
                                               bool count_only) const {
  Selection selection;
  const bool all = start.empty() && end.empty();
  for (auto it = keys_.lower_bound(start); it != keys_.end(); ++it) {
    if (!all && (end.empty() ? it->first != start : it->first >= end)) break;
    const int64_t row = at(it->second, revision);
    if (row == 0) continue;
    ++selection.count;
    if (!count_only && (limit == 0 || selection.revisions.size() < limit)) selection.revisions.push_back(row);
  }
  return selection;
}

bool RevisionIndex::compact(int64_t revision, std::size_t max, std::vector<int64_t>& dropped) {
  std::size_t done = 0;
  while (!superseded_.empty() && superseded_.front().by < revision) {
    if (done++ == max) return false;
    const Superseded item = superseded_.front();
    superseded_.pop_front();
    Entry& entry = item.entry->second;
    dropped.push_back(item.revision);
    if (entry.head.mod_revision == item.revision) {
      keys_.erase(item.entry);  // its newest row is a tombstone; nothing older is left, as that was superseded before
      continue;
    }
    CHECK(!entry.older.empty() && entry.older.front() / 2 == item.revision, "rows of a key are superseded in order");
    entry.older.erase(entry.older.begin());
    if (entry.older.empty()) std::vector<int64_t>().swap(entry.older);
  }
  return true;
}

}  // namespace pintle::storage
