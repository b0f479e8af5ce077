// The class that is marked as the default one: of several the newest, then the first by name.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>
#include <tuple>

#include "apiserver/types/resource_reader.h"

namespace pintle::apiserver::admission {

template <class T>
std::optional<T> find_default_class(const ResourceReader& reader, const GroupResource& resource,
                                    std::initializer_list<std::string_view> annotations) {
  std::optional<T> best;
  for (const auto& cached : reader.list(resource, "")) {
    auto object = reader.decode(resource, *cached);
    if (!object) continue;
    T& item = object->as<T>();
    bool marked = false;
    for (const auto annotation : annotations) {
      const std::string* value = item.metadata.annotations.get(annotation);
      marked = marked || (value && *value == "true");
    }
    if (!marked) continue;
    const auto newer = [](const T& a, const T& b) {
      return std::make_tuple(-a.metadata.creation_timestamp.seconds, std::string_view(a.metadata.name)) <
             std::make_tuple(-b.metadata.creation_timestamp.seconds, std::string_view(b.metadata.name));
    };
    if (!best || newer(item, *best)) best = std::move(item);
  }
  return best;
}

}  // namespace pintle::apiserver::admission
