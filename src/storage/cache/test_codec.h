// A codec for tests. A stored value is "k=v k=v ... |payload": the words are the labels, those that start with "." the
// fields; the wire form puts "<revision>|" before it. The key's last segment is the name, the one before the namespace.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "storage/cached_object.h"

namespace pintle::storage {

class TestCodec final : public CacheCodec {
 public:
  using CacheCodec::CacheCodec;
  mutable std::atomic<int> loads = 0;
  mutable std::atomic<int> encodes = 0;

  Result<Loaded> load(const KeyValue& stored) const override {
    ++loads;
    if (stored.value.view() == "unreadable") return bad_request("unreadable");
    return parse(stored.key, std::to_string(stored.mod_revision) + "|" + std::string(stored.value.view()));
  }
  Result<Loaded> restamp(const CachedObject& object, int64_t revision) const override {
    const std::string_view wire = object.wire().view();
    return parse(object.key(), std::to_string(revision) + std::string(wire.substr(wire.find('|'))));
  }
  Bytes encode(const CachedObject& object, unsigned format) const override {
    ++encodes;
    if (format == 0) return object.wire();
    return Bytes("f" + std::to_string(format) + ":" + std::string(object.wire().view()));
  }

 private:
  static Result<Loaded> parse(std::string_view key, std::string text) {
    text.shrink_to_fit();
    Loaded loaded;
    loaded.wire = Bytes(std::move(text));
    const std::string_view wire = loaded.wire.view();
    loaded.extra = Bytes(std::string(key));
    const std::string_view path = loaded.extra.view();
    const std::size_t slash = path.rfind('/');
    loaded.header.name = path.substr(slash + 1);
    const std::size_t before = path.rfind('/', slash - 1);
    loaded.header.ns = path.substr(before + 1, slash - before - 1);
    std::vector<ViewMap::value_type> labels;
    std::vector<ViewMap::value_type> fields;
    const std::size_t begin = wire.find('|') + 1;
    std::string_view words = wire.substr(begin, wire.find('|', begin) - begin);
    while (!words.empty()) {
      const std::size_t space = words.find(' ');
      const std::string_view word = words.substr(0, space);
      words = space == std::string_view::npos ? std::string_view() : words.substr(space + 1);
      const std::size_t equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      if (word.starts_with('.')) {
        fields.emplace_back(word.substr(1, equals - 1), word.substr(equals + 1));
      } else {
        labels.emplace_back(word.substr(0, equals), word.substr(equals + 1));
      }
    }
    loaded.header.labels = ViewMap(std::move(labels));
    loaded.header.fields = ViewMap(std::move(fields));
    return loaded;
  }
};

}  // namespace pintle::storage
