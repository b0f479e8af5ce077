#include "apiserver/registry/table_rows.h"

#include <chrono>
#include <cstring>

#include "apimachinery/table/duration.h"
#include "codec/json.h"
#include "rt/far_time.h"

namespace pintle::apiserver::registry {

namespace {
// Never part of JSON text, which escapes control characters. After it come the 8 bytes of the moment in seconds.
constexpr char age_mark = '\x01';
}  // namespace

void append_row_cells(const Strategy& strategy, const api::Object& object, std::string& out) {
  TableCells cells;
  strategy.table_cells(object, cells);
  append_cells(cells, out);
}

void append_cells(const TableCells& cells, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    const TableCell& cell = cells[i];
    if (!cell.is_age) {
      codec::append_json(cell.value, out);
    } else if (cell.age_of.zero()) {
      codec::append_json(codec::Value("<unknown>"), out);
    } else {
      out += '"';
      out += cell.before_age;
      out += age_mark;
      char moment[sizeof(int64_t)];
      std::memcpy(moment, &cell.age_of.seconds, sizeof moment);
      out.append(moment, sizeof moment);
      out += cell.after_age;
      out += '"';
    }
  }
  out += ']';
}

void append_cells_now(std::string_view cells, rt::WallTime now, std::string& out) {
  const int64_t now_seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  while (true) {
    const auto at = cells.find(age_mark);
    out.append(cells.substr(0, at));
    if (at == cells.npos) return;
    int64_t moment = 0;
    std::memcpy(&moment, cells.data() + at + 1, sizeof moment);
    out += apimachinery::human_duration(rt::seconds_of(now_seconds - moment));
    cells.remove_prefix(at + 1 + sizeof moment);
  }
}

}  // namespace pintle::apiserver::registry
