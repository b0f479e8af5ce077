#pragma once
#include <optional>
#include <string>
#include "base/bytes.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"
namespace pintle::apiserver::callout {
struct ServiceName { std::string ns; std::string name; int32_t port = 443; };
struct Target { std::string url; std::optional<ServiceName> service; std::string path; std::string ca_bundle; std::string query; };
class Callouts {
 public:
  rt::Task<Result<Bytes>> post(rt::Context ctx, const Target& target, Bytes body, rt::Duration timeout);
};
}
