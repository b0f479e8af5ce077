// LocalServices: which APIServices this server keeps for itself, and what is to be done about one. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "api/gen/apiextensions_v1.h"
#include "api/gen/apiregistration_v1.h"
#include "apiserver/bootstrap/bootstrap.h"

namespace pintle::apiserver::aggregation {

// What the label says of an APIService of a group version that definitions bring; those of built-in ones are bootstrap's.
constexpr const char* automanaged_always = "true";
using bootstrap::automanaged_label;

// The group versions that definitions bring.
class DefinedVersions {
 public:
  // What a definition brings from now on (nullptr: it is gone). The names of the APIServices that this may concern.
  std::set<std::string> set(const std::string& definition, const api::apiextensions_v1::CustomResourceDefinition* now);
  // The APIService of that name that is to be there; nullopt: none.
  std::optional<api::apiregistration_v1::APIService> wanted(const std::string& name) const;

 private:
  using GroupVersion = std::pair<std::string, std::string>;
  std::map<std::string, std::set<GroupVersion>> by_definition_;
  struct Counted {
    GroupVersion version;
    std::size_t definitions = 0;
  };
  std::map<std::string, Counted> by_name_;
};

// Of an add-on: a group version that this server serves until an APIService gives it to another server, and from then on when that is gone.
api::apiregistration_v1::APIService add_on_service(const std::string& group, const std::string& version);

enum class Action : uint8_t { None, Create, Update, Remove, Release };
// `now`, `wanted`: nullptr: none.
Action action_for(const api::apiregistration_v1::APIService* now, const api::apiregistration_v1::APIService* wanted);
// Release: the label goes by which it would be taken for this server's own.
Action action_for_add_on(const api::apiregistration_v1::APIService* now);

}  // namespace pintle::apiserver::aggregation
