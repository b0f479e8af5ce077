// /statusz and /flagz: what a component is and how it was started, for people to read. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rt/clock.h"

namespace pintle::component {

using FlagValues = std::vector<std::pair<std::string, std::string>>;  // by name

struct StatusFacts {
  std::string component;
  rt::WallTime started;
  rt::WallTime now;
  std::vector<std::string> paths;  // what else is served
};
std::string statusz_page(const StatusFacts& facts);
std::string flagz_page(std::string_view component, const FlagValues& flags);
// Whether an Accept header takes plain text; both pages have no other form.
bool takes_text(std::string_view accept);

}  // namespace pintle::component
