// TLS settings made from files: what every connection of a server or a client shares. The result is immutable; when a
// file changes a new one is made, and connections that exist keep theirs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "net/client.h"
#include "net/server.h"
#include "rt/runtime.h"

struct ssl_ctx_st;

namespace pintle::net {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

// Reads the files of `tls`. BadRequest names the file at fault.
Result<TlsContext> make_server_tls(rt::Disk& disk, const ServerTls& tls);
Result<TlsContext> make_client_tls(rt::Disk& disk, const ClientOptions& options);
// The files that each of them reads.
std::vector<std::string> tls_files(const ServerTls& tls);
std::vector<std::string> tls_files(const ClientOptions& options);

}  // namespace pintle::net
