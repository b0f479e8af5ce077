// For tests: a ResourceReader over objects put into it by hand, which tells its subscribers of each change. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/codec.h"
#include "api/gen/meta_v1.h"
#include "apiserver/types/errors.h"
#include "apiserver/types/resource_reader.h"
#include "rt/clock.h"
#include "rt/context.h"

namespace pintle::apiserver::testing {

class FakeReader : public ResourceReader {
 public:
  // `fields`: the selectable fields of the object ("spec.nodeName").
  template <class T>
  void put(const GroupResource& resource, T object, std::vector<std::pair<std::string_view, std::string>> fields = {}) {
    const api::meta_v1::ObjectMeta metadata = object.metadata;
    store(resource, metadata, api::Object::of<T>(std::move(object)), std::move(fields));
  }
  void remove(const GroupResource& resource, const std::string& ns, const std::string& name) {
    auto& items = stored_[resource];
    const auto it = items.find({ns, name});
    if (it == items.end()) return;
    storage::CacheEvent event;
    event.type = storage::CacheEventType::Deleted;
    event.object = event.previous = it->second;
    items.erase(it);
    tell(resource, event);
  }

  Result<api::Object> get(const GroupResource& resource, std::string_view ns, std::string_view name) const override {
    const auto items = stored_.find(resource);
    if (items != stored_.end())
      if (const auto it = items->second.find({std::string(ns), std::string(name)}); it != items->second.end()) return objects_.at(it->second.get());
    return Unexpected(errors::not_found(resource, name));
  }
  std::vector<storage::CachedObjectPtr> list(const GroupResource& resource, std::string_view ns) const override {
    std::vector<storage::CachedObjectPtr> out;
    const auto items = stored_.find(resource);
    if (items == stored_.end()) return out;
    for (const auto& [key, object] : items->second)
      if (ns.empty() || key.first == ns) out.push_back(object);
    return out;
  }
  Result<api::Object> decode(const GroupResource&, const storage::CachedObject& object) const override {
    ++decoded_;
    return objects_.at(&object);
  }
  void subscribe(const GroupResource& resource, std::function<void(const storage::CacheEvent&)> listener) override {
    for (const auto& object : list(resource, "")) listener({storage::CacheEventType::Added, false, 1, object, nullptr});
    listeners_[resource].push_back(std::move(listener));
  }
  int decoded() const { return decoded_; }

 private:
  class Codec : public storage::CacheCodec {
   public:
    Result<Loaded> load(const storage::KeyValue&) const override { return internal("not in tests"); }
    Result<Loaded> restamp(const storage::CachedObject&, int64_t) const override { return internal("not in tests"); }
    Bytes encode(const storage::CachedObject&, unsigned) const override { return {}; }
  };

  void store(const GroupResource& resource, const api::meta_v1::ObjectMeta& metadata, api::Object object,
             std::vector<std::pair<std::string_view, std::string>> fields) {
    auto texts = std::make_shared<std::vector<std::string>>(std::vector<std::string>{metadata.namespace_, metadata.name, metadata.uid});
    for (auto& field : fields) texts->push_back(std::move(field.second));
    const std::size_t first_label = texts->size();
    for (const auto& [key, value] : metadata.labels) texts->insert(texts->end(), {key, value});
    std::vector<ViewMap::value_type> views, labels;
    for (std::size_t i = first_label; i < texts->size(); i += 2) labels.emplace_back((*texts)[i], (*texts)[i + 1]);
    for (std::size_t i = 0; i < fields.size(); ++i) views.emplace_back(fields[i].first, (*texts)[i + 3]);
    storage::CacheCodec::Loaded loaded;
    loaded.header.ns = (*texts)[0];
    loaded.header.name = (*texts)[1];
    loaded.header.uid = (*texts)[2];
    loaded.header.fields = ViewMap(std::move(views));
    loaded.header.labels = ViewMap(std::move(labels));
    std::string wire;
    api::encode_proto(object.type(), object.data(), wire);
    loaded.wire = Bytes(std::move(wire));
    loaded.extra = Bytes(texts, (*texts)[1]);
    storage::KeyValue stored;
    stored.key = metadata.namespace_ + "/" + metadata.name;
    auto cached = std::make_shared<const storage::CachedObject>(codec_, stored, std::move(loaded));
    objects_.emplace(cached.get(), std::move(object));
    kept_.push_back(cached);
    auto& slot = stored_[resource][{metadata.namespace_, metadata.name}];
    storage::CacheEvent event;
    event.type = slot ? storage::CacheEventType::Modified : storage::CacheEventType::Added;
    event.previous = slot;
    event.object = slot = cached;
    tell(resource, event);
  }
  void tell(const GroupResource& resource, const storage::CacheEvent& event) {
    for (const auto& listener : listeners_[resource]) listener(event);
  }

  const std::shared_ptr<const Codec> shared_codec_ = std::make_shared<const Codec>();
  const Codec& codec_ = *shared_codec_;
  std::map<const storage::CachedObject*, api::Object> objects_;
  std::vector<storage::CachedObjectPtr> kept_;  // every version, so that an address stands for one
  std::map<GroupResource, std::map<std::pair<std::string, std::string>, storage::CachedObjectPtr>> stored_;
  std::map<GroupResource, std::vector<std::function<void(const storage::CacheEvent&)>>> listeners_;
  mutable int decoded_ = 0;
};

class FakeClock : public rt::Clock {
 public:
  explicit FakeClock(int64_t seconds = 1800000000) : seconds_(seconds) {}
  rt::TimePoint now() const override { return rt::TimePoint(std::chrono::seconds(seconds_)); }
  rt::WallTime wall_now() const override { return rt::WallTime(std::chrono::seconds(seconds_)); }
  void advance(int64_t seconds) { seconds_ += seconds; }
  int64_t seconds() const { return seconds_; }

 private:
  int64_t seconds_;
};

class FakeRandom : public rt::Random {
 public:
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = static_cast<std::byte>((state_ = state_ * 6364136223846793005u + 1442695040888963407u) >> 56);
  }

 private:
  uint64_t state_ = 42;
};

// Runs a task that never suspends.
template <class T>
T now(rt::Task<T> task) {
  std::optional<T> out;
  const auto keep = [](rt::Task<T> inner, std::optional<T>* into) -> rt::Task<void> { into->emplace(co_await inner); };
  rt::Task<void> outer = keep(std::move(task), &out);
  (void)outer.await_suspend(std::noop_coroutine());  // starts it
  CHECK(out, "the task waited");
  return std::move(*out);
}

}  // namespace pintle::apiserver::testing
