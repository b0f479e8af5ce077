// Makes the connections of a client: name, address, TLS, protocol.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "net/client.h"
#include "net/tls_context.h"
#include "net/url.h"

namespace pintle::net {

// The TLS settings of a transport, made again when a file has changed. Thread-safe.
class ClientTls {
 public:
  ClientTls(rt::Runtime& runtime, const ClientOptions& options) : runtime_(runtime), options_(options) {}
  // Fails if a file cannot be used.
  Result<Unit> load();
  struct Current {
    TlsContext context;
    uint64_t generation = 0;  // grows with every change: connections of an earlier one take no new requests
  };
  // Looks at the files at most every few seconds; files that cannot be used leave the last good settings in place.
  Current current();

 private:
  std::vector<rt::FileStat> stat_files();
  rt::Runtime& runtime_;
  const ClientOptions& options_;
  ThreadMutex mutex_;
  Current current_ GUARDED_BY(mutex_);
  std::vector<rt::FileStat> stats_ GUARDED_BY(mutex_);
  rt::TimePoint checked_ GUARDED_BY(mutex_){};
};

struct DialTo {
  std::string address;  // instead of the host: numeric, or a name to resolve; "": the host
  uint16_t port = 0;    // instead of the URL's; 0: the URL's
  bool http2 = false;   // offer it
};
struct Dialed {
  std::unique_ptr<rt::Stream> stream;
  bool http2 = false;
};
// Tries the host's addresses in turn. `tls` may be null for http and unix URLs.
rt::Task<Result<Dialed>> dial(rt::Runtime& runtime, const ClientOptions& options, TlsContext tls, rt::Context ctx, Url url, DialTo to);

}  // namespace pintle::net
