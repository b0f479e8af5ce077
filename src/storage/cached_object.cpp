#include "storage/cached_object.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/mutex.h"

namespace pintle::storage {
namespace {

// What one remembered encoding costs beside its bytes.
constexpr int64_t memo_overhead_bytes = 96;
// Of an object: the blocks that shared pointers count in, and what an allocator rounds up.
constexpr int64_t object_overhead_bytes = 96;

// An object has no mutex of its own: there are many objects and little contention.
ThreadMutex& memo_mutex(const void* object) {
  static std::array<ThreadMutex, 64> mutexes;
  const auto address = reinterpret_cast<uintptr_t>(object);
  return mutexes[(address >> 6) * 0x9e3779b97f4a7c15u >> 58];
}

// Without what a growing string allocates in reserve.
Bytes exact_copy(std::string_view text) {
  const auto block = std::make_shared_for_overwrite<char[]>(text.size());
  std::ranges::copy(text, block.get());
  return Bytes(std::shared_ptr<const void>(block, block.get()), {block.get(), text.size()});
}

bool inside(std::string_view part, std::string_view whole) {
  return std::less_equal<>()(whole.data(), part.data()) && std::less_equal<>()(part.data() + part.size(), whole.data() + whole.size());
}

}  // namespace

// Key and wire bytes share one allocation of just their size: with ten thousands of objects, what lies around the bytes
// is what counts.
CachedObject::CachedObject(const CacheCodec& codec, const KeyValue& stored, CacheCodec::Loaded loaded)
    : codec_(codec.shared_from_this()),
      revision_(stored.mod_revision),
      create_revision_(stored.create_revision),
      header_(std::move(loaded.header)),
      version_(loaded.version),
      extra_(loaded.extra.empty() ? nullptr : std::make_unique<Bytes>(std::move(loaded.extra))) {
  const std::string_view wire = loaded.wire.view();
  const auto block = std::make_shared_for_overwrite<char[]>(stored.key.size() + wire.size());
  char* const text = block.get() + stored.key.size();
  std::ranges::copy(stored.key, block.get());
  std::ranges::copy(wire, text);
  key_ = {block.get(), stored.key.size()};
  wire_ = Bytes(std::shared_ptr<const void>(block, block.get()), {text, wire.size()});
  for (std::string_view* view : {&header_.ns, &header_.name, &header_.uid}) *view = ViewMap::rebased(*view, wire, text);
  header_.labels.rebase(wire, text);
  header_.fields.rebase(wire, text);
}

CachedObject::~CachedObject() {
  if (memo_) forget_encodings();
}

int64_t CachedObject::memory_bytes() const {
  const std::size_t views = header_.labels.size() + header_.fields.size();
  const std::size_t bytes = sizeof *this + key_.size() + wire_.size() + views * sizeof(ViewMap::value_type) + (extra_ ? extra_->size() : 0);
  return static_cast<int64_t>(bytes) + object_overhead_bytes;
}

const CachedObject::Memo::Entry* CachedObject::remembered(unsigned format) const {
  if (!memo_) return nullptr;
  const auto it = std::ranges::find(memo_->entries, format, &Memo::Entry::format);
  if (it == memo_->entries.end()) return nullptr;
  memo_->used = true;
  return &*it;
}

CachedObjectPtr CachedObject::converted(unsigned version) const {
  ThreadLock lock(memo_mutex(this));
  const Memo::Entry* entry = remembered(converted_format + version);
  return entry ? entry->object : nullptr;
}

void CachedObject::keep_converted(unsigned version, CachedObjectPtr object) const {
  const int64_t cost = object->memory_bytes() + memo_overhead_bytes;
  ThreadLock lock(memo_mutex(this));
  if (remembered(converted_format + version) || (!recent_ && codec_->over_budget(cost))) return;
  if (!memo_) memo_ = std::make_unique<Memo>();
  memo_->entries.push_back({converted_format + version, {}, cost, std::move(object)});
  codec_->charge(cost);
}

Bytes CachedObject::encoded(unsigned format) const {
  ThreadMutex& mutex = memo_mutex(this);
  {
    ThreadLock lock(mutex);
    if (const Memo::Entry* entry = remembered(format)) return entry->bytes;
  }
  Bytes made = codec_->encode(*this, format);
  // A slice of what is kept anyway costs nothing to make again.
  if (inside(made.view(), wire_.view())) return made;
  const int64_t cost = static_cast<int64_t>(made.size()) + memo_overhead_bytes;
  ThreadLock lock(mutex);
  if (const Memo::Entry* entry = remembered(format)) return entry->bytes;  // somebody else was faster: share theirs
  if (!recent_ && codec_->over_budget(cost)) return made;
  made = exact_copy(made.view());
  if (!memo_) memo_ = std::make_unique<Memo>();
  memo_->entries.push_back({format, made, cost});
  codec_->charge(cost);
  return made;
}

void CachedObject::forget_encodings() const {
  int64_t bytes = 0;
  for (const Memo::Entry& entry : memo_->entries) bytes += entry.cost;
  codec_->charge(-bytes);
  memo_.reset();
}

void CachedObject::set_recent(bool recent) const {
  ThreadLock lock(memo_mutex(this));
  recent_ = recent;
  if (!recent && memo_ && codec_->over_budget()) forget_encodings();
}

bool CachedObject::drop_unused_encodings() const {
  ThreadLock lock(memo_mutex(this));
  if (memo_ && !std::exchange(memo_->used, false)) forget_encodings();
  return memo_ != nullptr;
}

}  // namespace pintle::storage
