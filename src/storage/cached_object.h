// CachedObject: one version of one object as the watch cache keeps it: its encoded bytes, a header of views into them,
// and a memo of its other encodings.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "base/view_map.h"
#include "storage/cache_budget.h"
#include "storage/store.h"

namespace pintle::storage {

// What selectors and indexes need of an object, read once from its bytes. All views: they point into Loaded::wire or
// Loaded::extra, or to static storage (field names, "true"), never anywhere else; they live as long as the CachedObject,
// which moves the wire bytes, and the views of them, into memory of its own.
// A field whose value is empty may be left out: an absent field reads as "".
struct ObjectHeader {
  std::string_view ns;  // "" for cluster scope
  std::string_view name;
  std::string_view uid;
  ViewMap labels;
  ViewMap fields;  // the resource's selectable fields (spec.nodeName, status.phase ...), metadata.* aside
};

class CachedObject;
using CachedObjectPtr = std::shared_ptr<const CachedObject>;

// How a resource's bytes are read and shown; given by the API server, one for each stored resource. Thread-safe. Lives
// in a shared pointer, which every CachedObject made with it holds: an answer under way outlives a resource that is removed.
class CacheCodec : public std::enable_shared_from_this<CacheCodec> {
 public:
  // Encodings are charged to `budget`, which all caches of a store share (StoreFanout::budget()). Past it an encoding is made anew for each
  // reader, but for those that the window of history still hands to watchers.
  explicit CacheCodec(std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>()) : budget_(std::move(budget)) {}
  virtual ~CacheCodec() = default;

  struct Loaded {
    ObjectHeader header;
    Bytes wire;            // the message in its storage format with metadata.resourceVersion set, without the k8s envelope
    Bytes extra;           // for header values that do not stand in `wire` as they are (escaped JSON); mostly empty
    uint16_t version = 0;  // which of the resource's versions `wire` is in; the codec's own numbering
  };
  // From what the store holds. An error makes the object unreadable: it is counted and left out.
  virtual Result<Loaded> load(const KeyValue& stored) const = 0;
  // The same object with another metadata.resourceVersion: the last state of a deleted object carries the revision of its
  // deletion, and so does the last matching state of one that left a watcher's selection.
  virtual Result<Loaded> restamp(const CachedObject& object, int64_t revision) const = 0;
  // One of the resource's other representations of an object ("format" is the codec's own numbering, below
  // CachedObject::formats_max): JSON of each served version, a table row ...
  virtual Bytes encode(const CachedObject& object, unsigned format) const = 0;

  // What the encodings of this resource's objects hold.
  int64_t memo_bytes() const { return memo_bytes_.load(std::memory_order_relaxed); }

 private:
  friend class CachedObject;
  bool over_budget(int64_t more = 0) const { return budget_->encodings() + more > budget_->share(); }
  void charge(int64_t bytes) const {
    memo_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    budget_->charge_encodings(bytes);
  }

  const std::shared_ptr<CacheBudget> budget_;
  mutable std::atomic<int64_t> memo_bytes_{0};
};

// Immutable but for the memo of its encodings. Thread-safe.
class CachedObject {
 public:
  static constexpr unsigned formats_max = 6;
  CachedObject(const CacheCodec& codec, const KeyValue& stored, CacheCodec::Loaded loaded);
  CachedObject(const CachedObject&) = delete;
  CachedObject& operator=(const CachedObject&) = delete;
  ~CachedObject();

  std::string_view key() const { return key_; }
  int64_t revision() const { return revision_; }
  int64_t create_revision() const { return create_revision_; }
  const ObjectHeader& header() const { return header_; }
  const Bytes& wire() const { return wire_; }
  unsigned version() const { return version_; }
  // Encoded on first use, then shared while the budget lasts. A codec may answer with a slice of wire().
  Bytes encoded(unsigned format) const;
  // The same state in another of the resource's versions, as far as keep_converted() was told and the budget has lasted; else nullptr.
  CachedObjectPtr converted(unsigned version) const;
  // Remembered as an encoding is. The first one stays.
  void keep_converted(unsigned version, CachedObjectPtr object) const;

  // What the object holds, encodings aside, for limits that count bytes.
  int64_t memory_bytes() const;
  // The newest objects in the window of history keep their encodings whatever the budget says; leaving it ends that.
  void set_recent(bool recent) const;
  // Forgets the encodings if nobody has asked for one since the last call. True if it still has any.
  bool drop_unused_encodings() const;

 private:
  struct Memo {
    struct Entry {
      unsigned format;
      Bytes bytes;
      int64_t cost;
      CachedObjectPtr object = nullptr;  // of converted(): `format` is converted_format + version
    };
    std::vector<Entry> entries;
    bool used = true;  // since the last drop_unused_encodings()
  };
  static constexpr unsigned converted_format = 1u << 16;
  // With the memo's mutex held.
  void forget_encodings() const;
  const Memo::Entry* remembered(unsigned format) const;

  const std::shared_ptr<const CacheCodec> codec_;
  int64_t revision_ = 0;
  int64_t create_revision_ = 0;
  ObjectHeader header_;
  std::string_view key_;  // with the wire bytes in one block
  Bytes wire_;
  mutable bool recent_ = false;
  uint16_t version_ = 0;
  std::unique_ptr<Bytes> extra_;
  mutable std::unique_ptr<Memo> memo_;  // under one of a few shared mutexes, chosen by address
};

}  // namespace pintle::storage
