#include "client/object_store.h"

#include <algorithm>

#include "base/check.h"
#include "base/text_map.h"

namespace pintle::client {

namespace {

constexpr std::size_t decoded_growth_max = 8;  // times what a store was told

}  // namespace

// The places under each value, in key order. Places are nodes of a map and do not move.
struct ObjectStore::Index {
  IndexFunction function;
  TextMap<std::vector<Place*>> places;

  static std::vector<Place*>::iterator place_in(std::vector<Place*>& under, const std::string& key) {
    return std::ranges::lower_bound(under, key, std::less<>(), [](const Place* one) -> const std::string& { return one->first; });
  }
  void add(std::string value, Place& place) {
    auto& under = places[std::move(value)];
    if (under.empty() || under.back()->first < place.first) {
      under.push_back(&place);
      return;
    }
    const auto at = place_in(under, place.first);
    if (*at != &place) under.insert(at, &place);  // an object may say a value twice
  }
  void remove(const std::string& value, Place& place) {
    const auto found = places.find(value);
    if (found == places.end()) return;
    auto& under = found->second;
    const auto at = place_in(under, place.first);
    if (at != under.end() && *at == &place) under.erase(at);
    if (under.empty()) {
      places.erase(found);
    } else if (under.capacity() > 4 * under.size() + 8) {
      under.shrink_to_fit();
    }
  }
};

std::string object_key(std::string_view namespace_name, std::string_view name) {
  std::string out;
  out.reserve(namespace_name.size() + 1 + name.size());
  if (!namespace_name.empty()) out.append(namespace_name).append("/");
  return out.append(name);
}

KeyParts split_key(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return {{}, key};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

ObjectStore::ObjectStore(const api::Type& type, std::size_t decoded_max)
    : type_(type), metadata_offset_(0), decoded_max_(decoded_max), hot_max_(decoded_max), packer_(type) {
  const api::KindInfo* kind = api::kind_of(type);
  CHECK(kind != nullptr && kind->metadata_offset >= 0 && !kind->is_list, "only objects with metadata are stored");
  metadata_offset_ = static_cast<std::size_t>(kind->metadata_offset);
}
ObjectStore::~ObjectStore() = default;

const api::meta_v1::ObjectMeta& ObjectStore::meta(const void* object) const {
  return *reinterpret_cast<const api::meta_v1::ObjectMeta*>(static_cast<const char*>(object) + metadata_offset_);
}

void ObjectStore::add_index(std::string name, IndexFunction function) {
  auto index = std::make_shared<Index>();
  index->function = std::move(function);
  for (Place& place : entries_) {
    for (auto& value : index->function(peek(place.second).get())) index->add(std::move(value), place);
  }
  indexes_.insert_or_assign(std::move(name), std::move(index));
}

AnyPtr ObjectStore::find(std::string_view key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : touch(*found);
}

namespace {

std::string namespace_prefix(std::string_view namespace_name) { return std::string(namespace_name) + "/"; }

}  // namespace

bool ObjectStore::any_in_namespace(std::string_view namespace_name) const {
  const std::string prefix = namespace_prefix(namespace_name);
  const auto at = entries_.lower_bound(prefix);
  return at != entries_.end() && at->first.starts_with(prefix);
}

void ObjectStore::for_each(const std::function<void(const std::string& key, const AnyPtr& object)>& f) const {
  for (const Place& place : entries_) f(place.first, peek(place.second));
}

void ObjectStore::for_each_key(const std::function<void(const std::string& key)>& f) const {
  for (const Place& place : entries_) f(place.first);
}

std::vector<AnyPtr> ObjectStore::in_namespace(std::string_view namespace_name) const {
  std::vector<Place*> places;
  const std::string prefix = namespace_prefix(namespace_name);
  for (auto at = entries_.lower_bound(prefix); at != entries_.end() && at->first.starts_with(prefix); ++at) places.push_back(&*at);
  return touch_all(places);
}

const std::vector<ObjectStore::Place*>* ObjectStore::places_of(std::string_view index, std::string_view value) const {
  const auto found = indexes_.find(index);
  CHECK(found != indexes_.end(), "no such index");
  const auto under = found->second->places.find(value);
  return under == found->second->places.end() ? nullptr : &under->second;
}

std::vector<AnyPtr> ObjectStore::by_index(std::string_view index, std::string_view value) const {
  const auto* places = places_of(index, value);
  return places == nullptr ? std::vector<AnyPtr>() : touch_all(*places);
}

std::size_t ObjectStore::count_by_index(std::string_view index, std::string_view value) const {
  const auto* places = places_of(index, value);
  return places == nullptr ? 0 : places->size();
}

std::vector<AnyPtr> ObjectStore::touch_all(const std::vector<Place*>& places) const {
  // Who asks for so many does so again: they would be packed and decoded in turns.
  if (decoded_max_ != 0) hot_max_ = std::max(hot_max_, std::min(2 * places.size(), decoded_growth_max * decoded_max_));
  std::vector<AnyPtr> out;
  out.reserve(places.size());
  for (Place* place : places) out.push_back(touch(*place));
  return out;
}

AnyPtr ObjectStore::put(std::string key, AnyPtr object) {
  const auto [at, added] = entries_.try_emplace(std::move(key));
  Entry& entry = at->second;
  AnyPtr old = added ? nullptr : peek(entry);
  index(*at, old.get(), object.get());
  packer_.drop(entry.packed);
  const bool was_hot = entry.object != nullptr;
  entry.object = std::move(object);
  entry.touched = true;
  if (!was_hot) heat(*at);
  return old;
}

AnyPtr ObjectStore::erase(std::string_view key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  AnyPtr old = peek(found->second);
  index(*found, old.get(), nullptr);
  leave_hot(found->second);
  packer_.drop(found->second.packed);
  entries_.erase(found);
  return old;
}

AnyPtr ObjectStore::peek(const Entry& entry) const {
  if (entry.object) return entry.object;
  auto holder = std::make_shared<api::Object>(packer_.unpack(entry.packed));
  const void* data = holder->data();
  return AnyPtr(std::move(holder), data);
}

AnyPtr ObjectStore::touch(Place& place) const {
  Entry& entry = place.second;
  entry.touched = true;
  if (!entry.object) {
    entry.object = peek(entry);
    heat(place);
  }
  return place.second.object;
}

void ObjectStore::heat(Place& place) const {
  if (decoded_max_ == 0) return;
  // Two at most: after a time with many, one call does not pack them all.
  for (int i = 0; i < 2 && hot_.size() >= hot_max_; ++i) cool_one();
  place.second.hot_at = static_cast<uint32_t>(hot_.size());
  hot_.push_back(&place);
}

// The hand goes round: whoever was asked for since its last turn stays for another.
void ObjectStore::cool_one() const {
  while (true) {
    if (hand_ >= hot_.size()) hand_ = 0;
    Entry& entry = hot_[hand_]->second;
    if (!entry.touched) break;
    entry.touched = false;
    ++hand_;
  }
  Entry& entry = hot_[hand_]->second;
  if (!entry.packed) entry.packed = packer_.pack(entry.object.get());
  leave_hot(entry);
  entry.object.reset();
  if (++cooled_ < hot_max_) return;
  cooled_ = 0;
  hot_max_ = std::max(decoded_max_, hot_max_ - hot_max_ / 4);
}

void ObjectStore::leave_hot(Entry& entry) const {
  if (decoded_max_ == 0 || !entry.object) return;
  Place* last = hot_.back();
  hot_[entry.hot_at] = last;
  last->second.hot_at = entry.hot_at;
  hot_.pop_back();
}

// Most changes leave the values as they were: then no index is touched.
void ObjectStore::index(Place& place, const void* before, const void* after) {
  for (auto& [name, index] : indexes_) {
    const auto old_values = before ? index->function(before) : std::vector<std::string>();
    auto new_values = after ? index->function(after) : std::vector<std::string>();
    if (old_values == new_values) continue;
    for (const auto& value : old_values) index->remove(value, place);
    for (auto& value : new_values) index->add(std::move(value), place);
  }
}

}  // namespace pintle::client
