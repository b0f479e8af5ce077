#include "apiserver/authentication/token_file.h"

#include <fmt/format.h>

#include "apiserver/authentication/bearer.h"
#include "base/split.h"
#include "component/certificate/keys.h"

namespace pintle::apiserver::authentication {
namespace {

// RFC 4180, as far as one file of tokens needs it.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}
  std::size_t line() const { return line_; }
  // The next record; false at the end. Empty lines are passed over.
  Result<bool> next(std::vector<std::string>& fields) {
    fields.clear();
    while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) end_line();
    if (at_ >= text_.size()) return false;
    ++line_;
    while (true) {
      std::string field;
      TRY(read_field(field));
      fields.push_back(std::move(field));
      if (at_ >= text_.size() || text_[at_] != ',') break;
      ++at_;
    }
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') ++at_;
    return true;
  }

 private:
  void end_line() {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }
  Result<Unit> read_field(std::string& field) {
    if (at_ < text_.size() && text_[at_] == '"') return read_quoted(field);
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
      if (text_[at_] == '"') return bad_request("a quote stands in a field that is not quoted");
      field.push_back(text_[at_++]);
    }
    return Unit{};
  }
  Result<Unit> read_quoted(std::string& field) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '"') {
        field.push_back(text_[at_]);
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field.push_back(text_[at_++]);
      } else {
        ++at_;
        if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') return bad_request("text follows a closing quote");
        return Unit{};
      }
    }
    return bad_request("a quote is not closed");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;
};

}  // namespace

Result<std::unique_ptr<TokenFileAuthenticator>> TokenFileAuthenticator::parse(std::string_view csv, std::string_view file,
                                                                              std::vector<std::string> audiences) {
  auto out = std::make_unique<TokenFileAuthenticator>();
  out->audiences_ = std::move(audiences);
  CsvReader reader(csv);
  std::vector<std::string> fields;
  while (true) {
    const auto more = reader.next(fields);
    if (!more) return bad_request(fmt::format("{}:{}: {}", file, reader.line(), more.error().message));
    if (!*more) break;
    if (fields.size() < 3)
      return bad_request(
          fmt::format("{}:{}: a line has at least 3 columns (token, user name, user uid), this one {}", file, reader.line(), fields.size()));
    if (fields[0].empty()) continue;
    UserInfo user;
    user.name = fields[1];
    user.uid = fields[2];
    if (fields.size() >= 4 && !fields[3].empty()) {
      const auto groups = split(fields[3], ',');
      user.groups.assign(groups.begin(), groups.end());
    }
    out->users_[component::sha256(fields[0])] = std::move(user);
  }
  return out;
}

std::optional<AuthenticationResult> TokenFileAuthenticator::authenticate_token_now(const std::string& token,
                                                                                   const std::vector<std::string>& audiences) {
  const auto it = users_.find(component::sha256(token));
  if (it == users_.end()) return AuthenticationResult(std::nullopt);
  auto good_for = agnostic_audiences(audiences_, audiences);
  if (!good_for) return AuthenticationResult(std::nullopt);
  return AuthenticationResult(AuthenticationResponse{it->second, std::move(*good_for)});
}

}  // namespace pintle::apiserver::authentication
