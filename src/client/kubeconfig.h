// Kubeconfig files: which server, and as whom. Certificates and tokens given as data or as files; exec plugins.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "client/client.h"
#include "net/client.h"

namespace pintle::client {

struct ConnectionConfig {
  ClientConfig client;
  net::ClientOptions tls;
};

// The current context of the file (or `context`). Errors name the file and the entry that is missing.
Result<ConnectionConfig> load_kubeconfig(rt::Disk& disk, const std::string& path, std::string_view context = {});
// From the service account files and environment of a pod.
Result<ConnectionConfig> in_cluster_config(rt::Disk& disk);

// What shows who calls, all of it read.
struct Credentials {
  std::string cert_pem, key_pem;                             // neither or both
  std::vector<std::pair<std::string, std::string>> headers;  // Authorization, Impersonate-User ...
  std::string cert_file, key_file, token_file;               // where they were read; "": they were given, or there are none
};
// The same by what the files hold now. What cannot be read, or is of no use, stays as it was.
Credentials read_again(rt::Disk& disk, const Credentials& credentials);
struct KubeconfigUsers {
  std::map<std::string, std::shared_ptr<const Credentials>, std::less<>> by_name;
  std::string current;  // the user of the current context; "": there is none
};
// For a file that says whom to be, not where to: its users by their names. Errors name the file and the user, never what is in them; BadRequest
// for users that only a program or an auth-provider knows, and for keys that do not fit their certificate.
Result<KubeconfigUsers> load_kubeconfig_users(rt::Disk& disk, const std::string& path);
// A client over HTTPS.
Result<std::unique_ptr<Client>> connect(rt::Runtime& runtime, ConnectionConfig config);
// A client of a handler of this process, as that user.
std::unique_ptr<Client> connect_in_process(rt::Runtime& runtime, net::Handler& handler, std::string user, ClientConfig config);

// A kubeconfig for others to use (admin.conf): certificates inline. Written 0600 by the caller.
struct KubeconfigContent {
  std::string cluster_name;
  std::string user_name;
  std::string server;
  std::string ca_pem;
  std::string cert_pem;
  std::string key_pem;
  std::string token;
};
std::string write_kubeconfig(const KubeconfigContent& content);

}  // namespace pintle::client
