#include "component/serving/component_pages.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "component/version.h"

namespace pintle::component {

namespace {

std::string head(std::string_view component, std::string_view page) {
  return fmt::format("\n{} {}\nWarning: for people to read; the form may change at any time and is nothing for programs to rely on.\n", component,
                     page);
}

}  // namespace

std::string statusz_page(const StatusFacts& facts) {
  const auto up = std::max(std::chrono::duration_cast<std::chrono::seconds>(facts.now - facts.started).count(), std::chrono::seconds::rep{0});
  const std::time_t started = std::chrono::duration_cast<std::chrono::seconds>(facts.started.time_since_epoch()).count();
  std::string out = head(facts.component, "statusz");
  out += fmt::format("\nStarted: {:%a %b %d %H:%M:%S} UTC {:%Y}\nUp: {} hr {:02} min {:02} sec\n", fmt::gmtime(started), fmt::gmtime(started),
                     up / 3600, up / 60 % 60, up % 60);
  out += fmt::format("Binary version: {}\nEmulation version: {}.{}\nPaths: {}\n", kubernetes_version + 1, kubernetes_major, kubernetes_minor,
                     fmt::join(facts.paths, " "));
  return out;
}

std::string flagz_page(std::string_view component, const FlagValues& flags) {
  std::string out = head(component, "flagz");
  for (const auto& [name, value] : flags) out += fmt::format("{}: {}\n", name, value);
  return out;
}

bool takes_text(std::string_view accept) {
  if (accept.empty()) return true;
  while (!accept.empty()) {
    const std::size_t comma = accept.find(',');
    std::string_view one = accept.substr(0, comma);
    accept = comma == std::string_view::npos ? std::string_view() : accept.substr(comma + 1);
    one = one.substr(0, one.find(';'));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == "text/plain" || one == "text/*" || one == "*/*") return true;
  }
  return false;
}

}  // namespace pintle::component
