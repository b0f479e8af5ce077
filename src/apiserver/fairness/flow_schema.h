// Which flow schema a request belongs to: the first, by precedence and then by name, of which a rule names its subject and
// what it does. Compiled from the objects, immutable. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/flowcontrol_v1.h"
#include "apiserver/types/request_info.h"
#include "apiserver/types/user_info.h"

namespace pintle::apiserver::fairness {

enum class Distinguisher : uint8_t { None, User, Namespace };

struct FlowSubject {
  enum class Kind : uint8_t { User, Group, ServiceAccount } kind = Kind::User;
  std::string ns;    // of a service account
  std::string name;  // "*": any
  bool matches(const UserInfo& user) const;
};

struct FlowRule {
  struct Resources {
    std::vector<std::string> verbs, groups, resources, namespaces;
    bool cluster_scope = false;
  };
  struct Paths {
    std::vector<std::string> verbs, paths;
  };
  std::vector<FlowSubject> subjects;
  std::vector<Resources> resources;
  std::vector<Paths> paths;
  bool matches(const UserInfo& user, const RequestInfo& info) const;
};

struct FlowSchema {
  std::string name;
  std::string uid;
  std::string level;
  int32_t precedence = 0;
  Distinguisher distinguisher = Distinguisher::None;
  std::vector<FlowRule> rules;

  bool matches(const UserInfo& user, const RequestInfo& info) const;
  // What tells this schema's flows apart: the user's name, the namespace, or "".
  std::string_view flow(const UserInfo& user, const RequestInfo& info) const;
};

FlowSchema compile(const api::flowcontrol_v1::FlowSchema& object);
// By precedence, then by name.
void sort_for_matching(std::vector<FlowSchema>& schemas);
// Spread over all 64 bits; `seed` is the process', so that nobody can choose names that share a victim's queues.
uint64_t hash_flow(uint64_t seed, std::string_view schema, std::string_view flow);

}  // namespace pintle::apiserver::fairness
