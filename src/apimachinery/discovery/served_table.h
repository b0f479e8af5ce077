// The rows as they are written down; served_resources.cpp turns them into what callers see.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "apimachinery/discovery/served_resources.h"

namespace pintle::apimachinery {

inline constexpr std::size_t names_max = 3;

struct ServedRow {
  std::string_view group;
  std::string_view version;
  std::string_view name;
  std::string_view singular;
  std::string_view kind;
  bool namespaced;
  int verbs;
  std::string_view storage_version_hash;
  std::array<std::string_view, names_max> short_names;  // "" after the last
  std::array<std::string_view, names_max> categories;
  std::span<const ServedSubresource> subresources;
};

std::span<const ServedRow> served_rows();
std::span<const ServedRow> add_on_rows();

}  // namespace pintle::apimachinery
