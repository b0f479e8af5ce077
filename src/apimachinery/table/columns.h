// The columns of each resource's table, as metav1.Table names them.
#pragma once

#include <span>
#include <string_view>

namespace pintle::apimachinery {

struct TableColumn {
  std::string_view name;
  std::string_view type = "string";  // string, integer, boolean, date
  std::string_view format = "";      // "name" marks the primary column
  int priority = 0;                  // 1: shown with -o wide only
};

// The columns of a served resource; name and creation time for one that states none (custom resources). The views live
// for ever.
std::span<const TableColumn> table_columns(std::string_view group, std::string_view resource);
std::span<const TableColumn> default_table_columns();

}  // namespace pintle::apimachinery
