// --token-auth-file: token,user,uid[,"group1,group2"] a line, read once at start.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apiserver/authentication/authenticator.h"

namespace pintle::apiserver::authentication {

class TokenFileAuthenticator : public TokenAuthenticator {
 public:
  // `csv` is the file's text, `file` its name for messages. `audiences`: of this server. BadRequest names the line.
  static Result<std::unique_ptr<TokenFileAuthenticator>> parse(std::string_view csv, std::string_view file, std::vector<std::string> audiences);
  std::optional<AuthenticationResult> authenticate_token_now(const std::string& token, const std::vector<std::string>& audiences) override;
  std::size_t size() const { return users_.size(); }

 private:
  std::unordered_map<std::string, UserInfo> users_;  // by the token's digest
  std::vector<std::string> audiences_;
};

}  // namespace pintle::apiserver::authentication
