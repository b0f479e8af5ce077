#include "apiserver/endpoints/health.h"

#include <algorithm>

#include "apiserver/exchange/responses.h"

namespace pintle::apiserver::endpoints {

namespace {

constexpr std::string_view not_found_text = "404 page not found\n";

// The endpoint's name ("livez") and the one check named after it.
std::pair<std::string_view, std::string_view> split(std::string_view path) {
  path.remove_prefix(1);
  const auto slash = path.find('/');
  return {path.substr(0, slash), slash == path.npos ? std::string_view() : path.substr(slash + 1)};
}

}  // namespace

bool Health::handles(std::string_view path) const {
  const auto [endpoint, check] = split(path);
  if (check.empty() && path.back() == '/') return false;
  return endpoint == "healthz" || endpoint == "livez" || endpoint == "readyz";
}

rt::Task<void> Health::serve(exchange::Exchange& exchange, std::string path) {
  const auto [endpoint, only] = split(path);
  std::vector<const Check*> chosen;
  for (const Check& check : checks_)
    if ((only.empty() || check.name == only) && (!check.ready_only || endpoint == "readyz")) chosen.push_back(&check);
  if (!only.empty() && chosen.empty()) {
    co_await exchange::answer_text(exchange, 404, std::string(not_found_text));
    co_return;
  }
  const auto excluded = exchange.query.get_all("exclude");
  std::string lines;
  bool healthy = true;
  for (const Check* check : chosen) {
    if (std::find(excluded.begin(), excluded.end(), check->name) != excluded.end()) {
      lines += "[+]" + check->name + " excluded: ok\n";
      continue;
    }
    const bool holds = check->holds();
    healthy = healthy && holds;
    lines += holds ? "[+]" + check->name + " ok\n" : "[-]" + check->name + " failed: reason withheld\n";
  }
  if (!healthy) {
    co_await exchange::answer_text(exchange, 500, lines + std::string(endpoint) + " check failed\n");
  } else if (exchange.query.has("verbose")) {
    co_await exchange::answer_text(exchange, 200, lines + std::string(endpoint) + " check passed\n");
  } else {
    co_await exchange::answer_text(exchange, 200, "ok");
  }
}

}  // namespace pintle::apiserver::endpoints
