#include "apiserver/published/published_kind.h"

#include <atomic>

#include "apimachinery/discovery/content_hash.h"
#include "apimachinery/schema/openapi.h"

namespace pintle::apiserver::published {
namespace {

using apimachinery::openapi::Form;

std::atomic<std::size_t> kept_bytes = 0;
// What a part is made of takes several times its size.
ThreadMutex one_at_a_time;

// Counts `bytes`, unless that would be too much.
bool count_in(std::size_t bytes) {
  std::size_t now = kept_bytes.load();
  do {
    if (now + bytes > kept_parts_bytes_max) return false;
  } while (!kept_bytes.compare_exchange_weak(now, now + bytes));
  return true;
}

}  // namespace

std::size_t kept_parts_bytes() { return kept_bytes.load(); }

PackedPart::~PackedPart() { kept_bytes -= counted; }

PublishedKind::PublishedKind(KindFacts facts, std::shared_ptr<const apimachinery::schema::Node> root)
    : facts_(std::move(facts)),
      root_(std::move(root)),
      fingerprint_(apimachinery::content_hash(facts_.group + "/" + facts_.version + "/" + facts_.plural + "/" + facts_.kind + "/" + facts_.list_kind +
                                              "/" + facts_.source)) {}

std::shared_ptr<const PackedPart> PublishedKind::kept(Form form) const {
  ThreadLock lock(mutex_);
  const Slot& slot = slots_[static_cast<std::size_t>(form)];
  return slot.kept ? slot.kept : slot.live.lock();
}

PublishedKind::Sizes PublishedKind::sizes(Form form) const {
  ThreadLock lock(mutex_);
  return slots_[static_cast<std::size_t>(form)].sizes;
}

std::shared_ptr<const PackedPart> PublishedKind::part(Form form) const {
  ThreadLock making(one_at_a_time);
  if (auto there = kept(form)) return there;
  apimachinery::schema::CustomKind kind;
  kind.group = facts_.group;
  kind.version = facts_.version;
  kind.kind = facts_.kind;
  kind.list_kind = facts_.list_kind;
  kind.plural = facts_.plural;
  kind.selectable_fields.assign(facts_.selectable_fields.begin(), facts_.selectable_fields.end());
  kind.preserve_unknown_fields = facts_.preserve_unknown_fields;
  kind.namespaced = facts_.namespaced;
  kind.status = facts_.status;
  kind.scale = facts_.scale;
  const apimachinery::openapi::Part text = apimachinery::schema::part_of(root_.get(), kind, form);
  auto made = std::make_shared<PackedPart>();
  made->paths = Packed(text.paths);
  made->definitions = Packed(text.definitions);
  const std::size_t bytes = made->paths.packed_bytes() + made->definitions.packed_bytes();
  if (count_in(bytes)) made->counted = bytes;
  ThreadLock lock(mutex_);
  Slot& slot = slots_[static_cast<std::size_t>(form)];
  slot.sizes = {text.paths.size(), text.definitions.size()};
  slot.live = made;
  if (made->counted > 0) slot.kept = made;
  return made;
}

}  // namespace pintle::apiserver::published
