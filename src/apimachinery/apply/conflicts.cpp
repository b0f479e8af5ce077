#include "apimachinery/apply/conflicts.h"

#include <algorithm>
#include <map>

#include "codec/json_text.h"

namespace pintle::apimachinery {
namespace {

constexpr std::string_view cause_type = "FieldManagerConflict";
constexpr std::string_view cause_prefix = "conflict with ";

std::string describe(const ManagerEntry& owner) {
  std::string text = codec::go_quote(owner.manager);
  if (!owner.subresource.empty()) text += " with subresource " + codec::go_quote(owner.subresource);
  if (!owner.applied) text += " using " + owner.api_version;
  return text;
}

Status status_of(std::vector<StatusCause> causes) {
  Status status;
  status.reason = Reason::Conflict;
  if (causes.size() == 1) {
    status.message = "Apply failed with 1 conflict: " + causes[0].message + ": " + causes[0].field;
  } else {
    std::map<std::string, std::vector<std::string>> by_owner;
    for (const StatusCause& cause : causes) by_owner[cause.message.substr(cause_prefix.size())].push_back(cause.field);
    status.message = "Apply failed with " + std::to_string(causes.size()) + " conflicts: ";
    bool first = true;
    for (const auto& [owner, fields] : by_owner) {
      if (!first) status.message += '\n';
      first = false;
      status.message += "conflicts with " + owner + ":";
      for (const std::string& field : fields) status.message += "\n- " + field;
    }
  }
  status.details.causes = std::move(causes);
  return status;
}

}  // namespace

void Conflicts::add(const ManagerEntry& owner, const FieldSet& contested) {
  const std::string message = std::string(cause_prefix) + describe(owner);
  contested.for_each([&](const std::string& path) {
    if (causes_.size() >= conflicts_max || bytes_ > conflicts_bytes_max) return false;
    bytes_ += message.size() + path.size();
    causes_.push_back({std::string(cause_type), message, path});
    return true;
  });
}

Status Conflicts::to_status() const { return status_of(causes_); }

}  // namespace pintle::apimachinery
