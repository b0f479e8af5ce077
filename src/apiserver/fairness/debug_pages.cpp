#include "apiserver/fairness/debug_pages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/values.h"

namespace pintle::apiserver::fairness {

namespace {

constexpr std::size_t cell_min = 8;  // width of a column

// Rows of cells, aligned: each cell but the last is followed by a comma and spaces up to the next column.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { add(std::move(head)); }
  void add(std::vector<std::string> row) {
    for (std::string& cell : row)
      for (char& c : cell)
        if (static_cast<unsigned char>(c) < 0x20) c = '?';  // names are anybody's
    rows_.push_back(std::move(row));
  }
  std::string text() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()), cell_min);
      for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + 2);
    }
    std::string out;
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const bool last = i + 1 == row.size();
        std::string cell = row[i] + (last ? "" : ",");
        if (!last) cell.resize(std::max(cell.size(), widths[i]), ' ');
        out += cell;
      }
      out += '\n';
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string seat_seconds(double value) { return fmt::format("{:.8f}ss", value); }

std::string priority_levels(const Fairness& fairness) {
  Table table({"PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests", "DispatchedRequests",
               "RejectedRequests", "TimedoutRequests", "CancelledRequests"});
  for (const auto& level : fairness.levels()) {
    const auto dump = level->dump();
    const auto active = std::count_if(dump.queues.begin(), dump.queues.end(), [](const auto& queue) { return !queue.requests.empty(); });
    const auto totals = level->totals();
    table.add({level->name(), std::to_string(active), dump.idle ? "true" : "false", level->quiescing() ? "true" : "false",
               std::to_string(dump.waiting), std::to_string(dump.executing), std::to_string(totals.dispatched), std::to_string(totals.rejected),
               std::to_string(totals.timed_out), std::to_string(totals.cancelled)});
  }
  return table.text();
}

std::string queues(const Fairness& fairness) {
  Table table({"PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR", "InitialSeatsSum", "MaxSeatsSum",
               "TotalWorkSum"});
  for (const auto& level : fairness.levels()) {
    int index = 0;
    for (const auto& [queue, requests] : level->dump().queues) {
      table.add({level->name(), std::to_string(index++), std::to_string(queue.length), std::to_string(queue.executing),
                 std::to_string(queue.seats_in_use), seat_seconds(queue.next_dispatch_r), std::to_string(queue.initial_seats_waiting),
                 std::to_string(queue.max_seats_waiting), seat_seconds(queue.work_waiting)});
    }
  }
  return table.text();
}

std::string requests(const Fairness& fairness, bool details, rt::WallTime wall_now, rt::TimePoint now) {
  std::vector<std::string> head{"PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher",
                                "ArriveTime",        "InitialSeats",   "FinalSeats", "AdditionalLatency"};
  if (details) head.insert(head.end(), {"UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource"});
  Table table(std::move(head));
  for (const auto& level : fairness.levels()) {
    int queue_index = 0;
    for (const auto& [queue, waiting] : level->dump().queues) {
      int index = 0;
      for (const auto& request : waiting) {
        const auto since = std::chrono::duration_cast<std::chrono::microseconds>((wall_now - (now - request.arrived)).time_since_epoch()).count();
        const std::string arrived = api::format_micro_time({since / 1'000'000, static_cast<int32_t>(since % 1'000'000 * 1000)});
        std::vector<std::string> row{level->name(),
                                     request.schema,
                                     std::to_string(queue_index),
                                     std::to_string(index++),
                                     request.flow,
                                     arrived,
                                     std::to_string(request.work.initial_seats),
                                     std::to_string(request.work.final_seats),
                                     fmt::format("{}ms", std::chrono::duration<double, std::milli>(request.work.final_time).count())};
        const std::string version = request.group.empty() ? request.version : request.group + "/" + request.version;
        if (details)
          row.insert(row.end(), {request.user, request.verb, request.path, request.ns, request.name, version, request.resource, request.subresource});
        table.add(std::move(row));
      }
      ++queue_index;
    }
  }
  return table.text();
}

}  // namespace

std::string debug_page(const Fairness& fairness, std::string_view page, bool details, rt::WallTime wall_now, rt::TimePoint now) {
  if (page == "dump_priority_levels") return priority_levels(fairness);
  if (page == "dump_queues") return queues(fairness);
  if (page == "dump_requests") return requests(fairness, details, wall_now, now);
  return {};
}

}  // namespace pintle::apiserver::fairness
