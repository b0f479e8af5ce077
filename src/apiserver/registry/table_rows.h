// Table rows as bytes. The cells of an object are encoded once; an age in them is kept as a mark with its moment, and
// becomes text when the row is answered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/object.h"
#include "apiserver/registry/strategy.h"
#include "rt/clock.h"

namespace pintle::apiserver::registry {

// Appends the JSON array of the row's cells, ages marked.
void append_row_cells(const Strategy& strategy, const api::Object& object, std::string& out);
void append_cells(const TableCells& cells, std::string& out);
// Appends `cells` with the ages as of `now`.
void append_cells_now(std::string_view cells, rt::WallTime now, std::string& out);

}  // namespace pintle::apiserver::registry
