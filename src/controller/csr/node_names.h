// NodeNames: which key a node's name belongs to. Whoever holds a bootstrap token may ask for the certificate of any node; a name
// is given to the first key that asks, and to another only when the node itself asks (with its certificate), or after the Node
// was deleted. Kept as ConfigMaps in kube-system, which no node may write.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"

namespace pintle::controller::csr {

// A name that was given away and has no Node after this long was never used, or its Node was deleted unseen: it is free again.
inline constexpr rt::Duration unused_name_kept_max = std::chrono::hours(1);

struct NameClaim {
  std::string node;
  std::string key;              // PublicKey::key_id()
  bool by_node_itself = false;  // asked with the node's own certificate
  bool node_exists = false;
};

class NodeNames {
 public:
  // `reserved`: nodes that never ask for a certificate. The client outlives this.
  NodeNames(client::Client& client, const std::vector<std::string>& reserved);
  // Whether the name is the key's from now on. Conflict: somebody else was quicker, ask again.
  rt::Task<Result<bool>> claim(rt::Context ctx, NameClaim claim);
  // The Node is gone: the name is free.
  rt::Task<Result<Unit>> release(rt::Context ctx, std::string node);
  // There is no Node: the name is free if it was given away long enough ago. How long until it will be; zero: it is.
  rt::Task<Result<rt::Duration>> release_unused(rt::Context ctx, std::string node);
  // The names that are given away.
  rt::Task<Result<std::vector<std::string>>> held(rt::Context ctx);

 private:
  client::Client& client_;
  const std::set<std::string> reserved_;
};

}  // namespace pintle::controller::csr
