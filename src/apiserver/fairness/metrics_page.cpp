// The gauges of priority and fairness, read off the levels when the page is asked for.
#include <fmt/format.h>

#include <functional>

#include "apiserver/fairness/fairness.h"

namespace pintle::apiserver::fairness {

namespace {

using component::metrics::write_head;
using component::metrics::write_sample;
using Named = std::pair<std::string, PriorityLevel::Figures>;

void write_by_level(std::string& out, const std::vector<Named>& levels, std::string_view name, std::string_view help,
                    const std::function<double(const PriorityLevel::Figures&)>& value) {
  const std::string full = fmt::format("apiserver_flowcontrol_{}", name);
  constexpr std::string_view labels[] = {"priority_level"};
  write_head(out, full, help, "gauge");
  for (const auto& [level, figures] : levels) {
    const std::string values[] = {level};
    write_sample(out, full, labels, values, value(figures));
  }
}

void write_by_flow(std::string& out, const std::vector<Named>& levels, std::string_view name, std::string_view help,
                   int PriorityLevel::Figures::Flow::*member) {
  const std::string full = fmt::format("apiserver_flowcontrol_{}", name);
  constexpr std::string_view labels[] = {"flow_schema", "priority_level"};
  write_head(out, full, help, "gauge");
  for (const auto& [level, figures] : levels) {
    for (const auto& flow : figures.flows) {
      const std::string values[] = {flow.schema, level};
      write_sample(out, full, labels, values, flow.*member);
    }
  }
}

void write_limits(std::string& out, const std::vector<Named>& levels, int total) {
  using Figures = PriorityLevel::Figures;
  write_by_level(out, levels, "nominal_limit_seats", "Seats that a level is entitled to.", [](const Figures& f) { return f.shares.nominal; });
  write_by_level(out, levels, "lower_limit_seats", "Seats that a level never lends.", [](const Figures& f) { return f.shares.minimum(); });
  write_by_level(out, levels, "upper_limit_seats", "The most seats that a level may have with what it borrows.", [total](const Figures& f) {
    return f.shares.borrowing ? f.shares.nominal + *f.shares.borrowing : std::max(total, f.shares.nominal);
  });
  write_by_level(out, levels, "current_limit_seats", "Seats that a level has now.", [](const Figures& f) { return f.limit; });
  write_by_level(out, levels, "request_concurrency_limit", "Seats that a level is entitled to.", [](const Figures& f) { return f.shares.nominal; });
  write_by_level(out, levels, "target_seats", "Seats that a level was to get when they were last shared out.",
                 [](const Figures& f) { return f.target; });
  write_by_level(out, levels, "demand_seats_high_watermark", "Most seats asked for in the last period.",
                 [](const Figures& f) { return f.seen.peak; });
  write_by_level(out, levels, "demand_seats_average", "Seats asked for in the last period, by time.",
                 [](const Figures& f) { return f.seen.average; });
  write_by_level(out, levels, "demand_seats_stdev", "Deviation of the seats asked for in the last period, by time.",
                 [](const Figures& f) { return f.seen.deviation; });
  write_by_level(out, levels, "demand_seats_smoothed", "Seats asked for, which fall slowly.", [](const Figures& f) { return f.smoothed; });
  write_by_level(out, levels, "dispatch_r", "A level's virtual time when a request last got its seats.",
                 [](const Figures& f) { return f.last_start; });
  write_by_level(out, levels, "latest_s", "The virtual start of the request that got its seats last.", [](const Figures& f) { return f.last_start; });
  for (const std::string_view name : {"apiserver_flowcontrol_next_s_bounds", "apiserver_flowcontrol_next_discounted_s_bounds"}) {
    constexpr std::string_view labels[] = {"bound", "priority_level"};
    write_head(out, name, "The virtual starts of the first requests of the queues, the earliest and the latest.", "gauge");
    for (const auto& [level, f] : levels) {
      const std::string low[] = {"min", level}, high[] = {"max", level};
      write_sample(out, name, labels, low, f.next_starts.first);
      write_sample(out, name, labels, high, f.next_starts.second);
    }
  }
  write_by_level(out, levels, "current_r", "A level's virtual time, in seat-seconds.", [](const Figures& f) { return f.virtual_time; });
}

}  // namespace

void Fairness::write_metrics(std::string& out) const {
  std::vector<Named> figures;
  const auto all = levels();
  for (const auto& level : all) figures.emplace_back(level->name(), level->figures());
  using Flow = PriorityLevel::Figures::Flow;
  write_by_flow(out, figures, "current_executing_requests", "Requests that have seats, or are watches that still read their first state.",
                &Flow::executing);
  write_by_flow(out, figures, "current_executing_seats", "Seats of the requests that have them.", &Flow::executing_seats);
  write_by_flow(out, figures, "request_concurrency_in_use", "Seats of the requests that have them.", &Flow::executing_seats);
  write_by_flow(out, figures, "current_inqueue_requests", "Requests that wait for seats.", &Flow::waiting);
  write_by_flow(out, figures, "current_inqueue_seats", "Seats that requests wait for.", &Flow::waiting_seats);
  write_limits(out, figures, deps_.seats);
  write_head(out, "apiserver_flowcontrol_seat_fair_frac", "The part of each level's target that was given when seats were last shared out.", "gauge");
  {
    ThreadLock lock(mutex_);
    write_sample(out, "apiserver_flowcontrol_seat_fair_frac", {}, {}, fraction_);
  }
  const auto write_ratios = [&](std::string_view name, std::string_view help, PriorityLevel::Ratio ratio, std::string_view phase) {
    const std::string full = fmt::format("apiserver_flowcontrol_{}", name);
    if (!help.empty()) write_head(out, full, help, "histogram");
    for (const auto& level : all) {
      const std::string_view labels[] = {"priority_level", "phase"};
      const std::string values[] = {level->name(), std::string(phase)};
      const std::size_t count = phase.empty() ? 1 : 2;
      level->write_ratio(out, ratio, full, std::span(labels, count), std::span(values, count));
    }
  };
  write_ratios("priority_level_seat_utilization", "Seats in use by the level's nominal seats, by time in nanoseconds.",
               PriorityLevel::Ratio::SeatsInUse, "");
  write_ratios("demand_seats", "Seats asked for by the level's nominal seats, by time in nanoseconds.", PriorityLevel::Ratio::Demand, "");
  write_ratios("priority_level_request_utilization", "Requests of a phase by the most there could be, by time in nanoseconds.",
               PriorityLevel::Ratio::Executing, "executing");
  write_ratios("priority_level_request_utilization", "", PriorityLevel::Ratio::Waiting, "waiting");
}

}  // namespace pintle::apiserver::fairness
