// The operations that descriptor tables point to, made from a C++ type. Only generated tables and builtin_types.cpp
// include this header.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/type.h"
#include "base/box.h"
#include "base/flat_map.h"

namespace pintle::api {

template <class T>
inline constexpr ValueOps value_ops = {
    .construct = [](void* at) { ::new (at) T(); },
    .destroy = [](void* at) { std::destroy_at(static_cast<T*>(at)); },
    .copy = [](void* at, const void* from) { ::new (at) T(*static_cast<const T*>(from)); },
    .assign = [](void* to, const void* from) { *static_cast<T*>(to) = *static_cast<const T*>(from); },
    .swap = [](void* a, void* b) { std::swap(*static_cast<T*>(a), *static_cast<T*>(b)); },
};

// L is std::vector<T>.
template <class L>
inline constexpr ListOps list_ops = {
    .size = [](const void* list) { return static_cast<const L*>(list)->size(); },
    .at = [](void* list, std::size_t i) -> void* { return static_cast<L*>(list)->data() + i; },
    .push_back = [](void* list) -> void* { return &static_cast<L*>(list)->emplace_back(); },
    .clear = [](void* list) { static_cast<L*>(list)->clear(); },
    .resize = [](void* list, std::size_t n) { static_cast<L*>(list)->resize(n); },
    .erase =
        [](void* list, std::size_t i) {
          L& l = *static_cast<L*>(list);
          l.erase(l.begin() + static_cast<std::ptrdiff_t>(i));
        },
};

// M is FlatMap<T>.
template <class M>
inline constexpr MapOps map_ops = {
    .size = [](const void* map) { return static_cast<const M*>(map)->size(); },
    .key_at = [](const void* map,
                 std::size_t i) { return std::string_view(static_cast<const M*>(map)->begin()[static_cast<std::ptrdiff_t>(i)].first); },
    .value_at = [](void* map, std::size_t i) -> void* { return &static_cast<M*>(map)->begin()[static_cast<std::ptrdiff_t>(i)].second; },
    .find = [](void* map, std::string_view key) -> void* { return static_cast<M*>(map)->get(key); },
    .insert = [](void* map, std::string_view key) -> void* { return &(*static_cast<M*>(map))[key]; },
    .clear = [](void* map) { static_cast<M*>(map)->clear(); },
    .erase = [](void* map, std::string_view key) { return static_cast<M*>(map)->erase(key); },
    .append = [](void* map, std::string_view key) -> void* { return &static_cast<M*>(map)->append(key); },
    .sort_unique = [](void* map) { return static_cast<M*>(map)->sort_unique(); },
};

// P is std::optional<T>.
template <class P>
inline constexpr PointerOps optional_ops = {
    .get = [](void* p) -> void* {
      P& o = *static_cast<P*>(p);
      return o ? &*o : nullptr;
    },
    .emplace = [](void* p) -> void* { return &static_cast<P*>(p)->emplace(); },
    .reset = [](void* p) { static_cast<P*>(p)->reset(); },
};

// P is Box<T>.
template <class P>
inline constexpr PointerOps box_ops = {
    .get = [](void* p) -> void* { return static_cast<P*>(p)->get(); },
    .emplace = [](void* p) -> void* { return &static_cast<P*>(p)->emplace(); },
    .reset = [](void* p) { static_cast<P*>(p)->reset(); },
};

}  // namespace pintle::api
